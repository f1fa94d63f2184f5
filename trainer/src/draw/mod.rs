//! Pictures for people: poses over frames, confidence maps over frames, contact sheets.

mod board;
mod canvas;
mod caption;
mod heatmap;
mod legend;
mod palette;
mod png;
mod poses;
mod sheet;
mod square;
mod text;

pub use board::{Board, Pen};
pub use caption::captioned;
pub use heatmap::draw_heatmap;
pub use palette::{Color, animal_color};
pub use png::save_png;
pub use poses::{DrawOptions, DrawnAnimal, draw_poses};
pub use sheet::contact_sheet;
pub use square::draw_square;
