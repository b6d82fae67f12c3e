//! The formats that are taken, with their names. Formats that browsers run as programs (HTML, SVG) are not among them.

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A portable document.
    Pdf,
    /// Word, before 2007.
    Doc,
    /// Word.
    Docx,
    /// `PowerPoint`, before 2007.
    Ppt,
    /// `PowerPoint`.
    Pptx,
    /// A picture without loss.
    Png,
    /// A photograph.
    Jpeg,
    /// A picture that may move.
    Gif,
    /// A picture as the web likes it.
    Webp,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// To be taken home.
    Document,
    /// To be looked at.
    Image,
}

impl Kind {
    /// The name in keys, in the table and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Image => "image",
        }
    }
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 9] =
        [Self::Pdf, Self::Doc, Self::Docx, Self::Ppt, Self::Pptx, Self::Png, Self::Jpeg, Self::Gif, Self::Webp];

    /// The format that a name's extension stands for, in whatever case.
    pub fn of_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        let extension = if extension == "jpeg" { "jpg" } else { extension.as_str() };
        Self::ALL.into_iter().find(|format| format.extension() == extension)
    }

    /// How names of it end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Doc => "doc",
            Self::Docx => "docx",
            Self::Ppt => "ppt",
            Self::Pptx => "pptx",
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Gif => "gif",
            Self::Webp => "webp",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Doc => "application/msword",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Ppt => "application/vnd.ms-powerpoint",
            Self::Pptx => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    /// What it is for.
    pub fn kind(self) -> Kind {
        match self {
            Self::Pdf | Self::Doc | Self::Docx | Self::Ppt | Self::Pptx => Kind::Document,
            Self::Png | Self::Jpeg | Self::Gif | Self::Webp => Kind::Image,
        }
    }
}
