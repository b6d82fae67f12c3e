//! Pictures: decoded, which proves them, and written as WebP, which is smaller. A picture that would need too much memory
//! is refused by its header, before anything of it is unpacked. What the process may take in all is not this module's
//! business but that of whoever starts it.

use std::fs::File;
use std::io::{BufReader, Seek};

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::error::{LimitError, LimitErrorKind};
use image::{AnimationDecoder, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use webp::{Encoder, WebPConfig, WebPMemory};

use crate::contents::{Unfit, image_format};
use crate::format::Format;

/// The most pixels on a side: WebP has no more.
pub const MOST_SIDE: u32 = 16_383;

/// The most pixels: what large cameras take, four times an ordinary photograph.
pub const MOST_PIXELS: u64 = 50_000_000;

/// The most pixels that are encoded: an ordinary photograph. Encoding takes twenty bytes a pixel and more.
const MOST_ENCODED: u64 = 12_000_000;

/// Above so many pixels, encoding takes an eighth of the time, for a few bytes more.
const MOST_PATIENT: u64 = 4_000_000;

/// The most bytes of decoded pixels.
const PIXEL_BYTES: u64 = 240 << 20;

/// The most bytes of what else a PNG has packed, such as colour profiles: those of printers have three million. What is
/// larger is left out.
const METADATA_BYTES: u64 = 8 << 20;

/// How good a photograph is as WebP, of 100; how much is tried for what loses nothing.
const QUALITY: f32 = 80.0;

/// How much is tried where there is little time, and the method for that, of 0 to 6.
const QUICK_QUALITY: f32 = 20.0;
const QUICK_METHOD: i32 = 1;

/// Decodes a picture and writes it as WebP; none where the file is one, moves, for a still would say less, or is so large
/// that it is left as it is.
pub fn webp(file: &mut File, claimed: Format) -> Result<Option<Vec<u8>>, Unfit> {
    let format = image_format(claimed).ok_or(Unfit::Unknown(claimed))?;
    let unfit = |error: ImageError| unfit(&error, claimed);
    let Some(picture) = decoded(file, format).map_err(unfit)? else { return Ok(None) };
    if format == ImageFormat::WebP || moves(file, format).map_err(unfit)? {
        return Ok(None);
    }
    let most = file.metadata()?.len();
    Ok(encoded(picture, format == ImageFormat::Jpeg, most))
}

/// Photographs may lose what nobody sees; drawings and screens of text may not, unless that takes more than the file itself.
/// None where there is not the memory for it: noise takes the most.
pub fn encoded(picture: DynamicImage, is_photograph: bool, most: u64) -> Option<Vec<u8>> {
    let (width, height) = (picture.width(), picture.height());
    let has_alpha = picture.color().has_alpha();
    let pixels = if has_alpha { picture.into_rgba8().into_raw() } else { picture.into_rgb8().into_raw() };
    let encode = |lossless: bool| -> Option<WebPMemory> {
        let mut config = WebPConfig::new().ok()?;
        (config.lossless, config.alpha_compression) = (lossless.into(), (!lossless).into());
        config.quality = QUALITY;
        if u64::from(width) * u64::from(height) > MOST_PATIENT {
            config.method = QUICK_METHOD;
            config.quality = if lossless { QUICK_QUALITY } else { QUALITY };
        }
        let encoder = if has_alpha {
            Encoder::from_rgba(&pixels, width, height)
        } else {
            Encoder::from_rgb(&pixels, width, height)
        };
        encoder.encode_advanced(&config).ok()
    };
    // What there is not the memory for without loss is noise, and takes the longest with it.
    let lossless = if is_photograph { None } else { Some(encode(true)?) };
    let fitting = lossless.filter(|webp| webp.len() as u64 <= most);
    fitting.or_else(|| encode(false)).map(|webp| webp.to_vec())
}

/// Upright, as its file says that it was taken; none where it is whole and too large to be encoded.
fn decoded(file: &mut File, format: ImageFormat) -> Result<Option<DynamicImage>, ImageError> {
    file.rewind()?;
    let reader = BufReader::new(&mut *file);
    // The decoder of PNG counts all but the pixels.
    let mut decoder: Box<dyn ImageDecoder> = if format == ImageFormat::Png {
        Box::new(PngDecoder::with_limits(reader, limits(METADATA_BYTES))?)
    } else {
        let mut reader = ImageReader::with_format(reader, format);
        reader.limits(limits(PIXEL_BYTES));
        Box::new(reader.into_decoder()?)
    };
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if width > MOST_SIDE || height > MOST_SIDE || pixels > MOST_PIXELS {
        return Err(ImageError::Limits(LimitError::from_kind(LimitErrorKind::DimensionError)));
    }
    limits(PIXEL_BYTES).reserve(decoder.total_bytes())?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    if pixels > MOST_ENCODED {
        return Ok(None);
    }
    picture.apply_orientation(orientation);
    Ok(Some(picture))
}

/// Whether a picture has more than one frame.
fn moves(file: &mut File, format: ImageFormat) -> Result<bool, ImageError> {
    file.rewind()?;
    let reader = BufReader::new(file);
    match format {
        ImageFormat::Gif => {
            let mut decoder = GifDecoder::new(reader)?;
            decoder.set_limits(limits(PIXEL_BYTES))?;
            Ok(decoder.into_frames().nth(1).transpose()?.is_some())
        }
        ImageFormat::Png => PngDecoder::with_limits(reader, limits(METADATA_BYTES))?.is_apng(),
        _ => Ok(false),
    }
}

fn limits(bytes: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(bytes);
    limits
}

fn unfit(error: &ImageError, claimed: Format) -> Unfit {
    match error {
        ImageError::Limits(_) => Unfit::TooManyPixels,
        _ => Unfit::Broken(claimed),
    }
}
