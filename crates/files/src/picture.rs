//! Pictures: decoded, which proves them, and written as WebP, which is smaller. A picture that would need too much memory
//! is refused by its header, before anything of it is unpacked.

use std::fs::File;
use std::io::{BufReader, Seek};

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::{AnimationDecoder, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use tokio::sync::{Semaphore, SemaphorePermit};
use webp::Encoder;

use crate::contents::Unfit;
use crate::format::{Format, Kind};

/// The most pixels on a side: WebP has no more.
pub const MOST_SIDE: u32 = 16_383;

/// The most pixels: what large cameras take, four times an ordinary photograph.
pub const MOST_PIXELS: u64 = 50_000_000;

/// The most bytes that decoding may take.
const MEMORY_BYTES: u64 = 256 << 20;

/// How good a photograph is as WebP, of 100.
const QUALITY: f32 = 80.0;

/// Whose turn it is to decode.
static TURN: Semaphore = Semaphore::const_new(1);

/// Waits until no other picture is decoded; documents need not.
pub async fn turn(format: Format) -> Option<SemaphorePermit<'static>> {
    // The semaphore is never closed.
    if format.kind() == Kind::Image { TURN.acquire().await.ok() } else { None }
}

/// Decodes a picture and writes it as WebP; none where the file is one, or moves: a still would say less.
pub fn webp(file: &mut File, format: ImageFormat, claimed: Format) -> Result<Option<Vec<u8>>, Unfit> {
    let picture = decoded(file, format).map_err(|error| unfit(&error, claimed))?;
    if format == ImageFormat::WebP || moves(file, format).map_err(|error| unfit(&error, claimed))? {
        return Ok(None);
    }
    let (width, height) = (picture.width(), picture.height());
    // Photographs may lose what nobody sees; drawings and screens of text may not.
    let lossy = format == ImageFormat::Jpeg;
    let encoded = if picture.color().has_alpha() {
        Encoder::from_rgba(picture.into_rgba8().as_raw(), width, height).encode_simple(!lossy, QUALITY)
    } else {
        Encoder::from_rgb(picture.into_rgb8().as_raw(), width, height).encode_simple(!lossy, QUALITY)
    };
    encoded.map(|bytes| Some(bytes.to_vec())).map_err(|_| Unfit::Broken(claimed))
}

/// Upright, as its file says that it was taken.
fn decoded(file: &mut File, format: ImageFormat) -> Result<DynamicImage, ImageError> {
    file.rewind()?;
    let mut reader = ImageReader::with_format(BufReader::new(&mut *file), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let too_large = image::error::LimitError::from_kind(image::error::LimitErrorKind::DimensionError);
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(ImageError::Limits(too_large));
    }
    limits().reserve(decoder.total_bytes())?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Whether a picture has more than one frame.
fn moves(file: &mut File, format: ImageFormat) -> Result<bool, ImageError> {
    file.rewind()?;
    let reader = BufReader::new(file);
    match format {
        ImageFormat::Gif => {
            let mut decoder = GifDecoder::new(reader)?;
            decoder.set_limits(limits())?;
            Ok(decoder.into_frames().nth(1).transpose()?.is_some())
        }
        ImageFormat::Png => PngDecoder::with_limits(reader, limits())?.is_apng(),
        _ => Ok(false),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(MEMORY_BYTES);
    limits
}

fn unfit(error: &ImageError, claimed: Format) -> Unfit {
    match error {
        ImageError::Limits(_) => Unfit::TooManyPixels,
        _ => Unfit::Broken(claimed),
    }
}
