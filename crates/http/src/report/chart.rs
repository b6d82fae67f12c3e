//! Columns made of parts, one column a week, as inline SVG. It knows nothing of what they stand for.

use maud::{Markup, html};

/// A part of every column.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// What the legend calls it.
    pub name: &'static str,
    /// The class that gives it its colour.
    pub class: &'static str,
}

/// A column: its label, and the size of each part from the bottom up.
#[derive(Clone, Debug)]
pub struct Column {
    /// What stands below it.
    pub label: String,
    /// What stands above it, such as a rate.
    pub note: String,
    /// As many as there are parts.
    pub sizes: Vec<u32>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 180.0;
/// Room for what stands above and below.
const MARGIN: f64 = 24.0;

/// The chart with its legend. The tallest column takes the whole height.
pub fn columns(title: &str, parts: &[Part], columns: &[Column]) -> Markup {
    let tallest = columns.iter().map(|column| column.sizes.iter().sum::<u32>()).max().unwrap_or(0).max(1);
    let width = WIDTH / f64::from(u32::try_from(columns.len()).unwrap_or(u32::MAX).max(1));
    let bar = (width * 0.7).min(64.0);
    let scale = HEIGHT / f64::from(tallest);
    let mut left = 0.0;
    html! {
        figure {
            svg viewBox=(format!("0 0 {WIDTH} {}", HEIGHT + 2.0 * MARGIN)) role="img" aria-label=(title) {
                line class="axis" x1="0" x2=(WIDTH) y1=(HEIGHT + MARGIN) y2=(HEIGHT + MARGIN) {}
                @for column in columns {
                    @let middle = { left += width; left - width / 2.0 };
                    @let total: u32 = column.sizes.iter().sum();
                    (stack(column, parts, middle - bar / 2.0, bar, scale))
                    text x=(middle) y=(HEIGHT + MARGIN - f64::from(total) * scale - 6.0) { (column.note) }
                    text x=(middle) y=(HEIGHT + 2.0 * MARGIN - 6.0) { (column.label) }
                }
            }
            figcaption {
                @for part in parts { span class="key" { span class={ "swatch " (part.class) } {} (part.name) } }
            }
        }
    }
}

fn stack(column: &Column, parts: &[Part], x: f64, width: f64, scale: f64) -> Markup {
    let mut top = HEIGHT + MARGIN;
    html! {
        @for (part, size) in parts.iter().zip(&column.sizes) {
            @if *size > 0 {
                @let height = f64::from(*size) * scale;
                @let y = { top -= height; top };
                rect class=(part.class) x=(x) y=(y) width=(width) height=(height) {
                    title { (column.label) ": " (size) " " (part.name) }
                }
            }
        }
    }
}
