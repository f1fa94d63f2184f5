//! The dispatches of the crops of top-down models: chosen among the centroids, cut out, put through a network of their own, and looked
//! through for parts. The device counts the crops of a frame itself, so that only these are worked on.

use super::find::{Lists, find_peaks};
use super::input::Source;
use super::program::FrameProgram;
use super::step::{Step, at};
use crate::engine::wgpu::places::{BLOCK, Place};
use crate::engine::wgpu::program::{Counted, Program, Slot};
use crate::engine::{CropRoute, Found, FoundCrops};
use crate::error::Error;
use crate::preprocess::Preprocessor;
use alloc::vec;
use alloc::vec::Vec;
use dormouse_shaders::{CropParams, Kernel, PairParams};

/// Peaks of a centroid map that the kernel has room for, the most that a configuration allows.
const MOST_PEAKS: usize = 1024;

/// How much there is to be found in crops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CropSizes {
    /// Most crops of a frame.
    pub room: usize,
    /// Parts that are looked for in a crop.
    pub parts: usize,
    /// Numbers of the class vector of a crop.
    pub classes: usize,
}

/// What crops need, and where their results lie.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CropPart {
    pub sizes: CropSizes,
    /// `[crop]` first column and row, then the number of crops, then workgroups for each dispatch from `cut` on.
    pub table: Slot,
    /// Peaks of each part and crop, then class vectors.
    pub found: Slot,
    /// The dispatch that cuts; the one before it chooses.
    pub cut: usize,
    /// Workgroups of one crop, for each dispatch from `cut` on.
    grids: Vec<[u32; 3]>,
}

impl CropSizes {
    /// Words of places and the number of crops.
    pub fn place_words(self) -> usize {
        2 * self.room + 1
    }

    /// Lists of all crops.
    pub fn lists(self) -> usize {
        self.room * self.parts
    }

    /// Words of what is found in crops.
    pub fn found_words(self) -> usize {
        5 * self.lists() + self.room * self.classes
    }
}

impl CropPart {
    /// What the device writes to the table for crops at these places.
    pub fn table_for(&self, origins: &[[i32; 2]]) -> Vec<u32> {
        let mut table: Vec<u32> = origins.iter().flatten().map(|&corner| corner as u32).collect();
        table.resize(2 * self.sizes.room, 0);
        table.push(origins.len() as u32);
        table.extend(self.grids.iter().flat_map(|&[x, y, z]| [x, y, z * origins.len() as u32]));
        table
    }

    /// What was found, of the words that are read back: places, then parts and classes. `None` for more than there is room for.
    pub fn found_in<'a>(&self, words: &'a [u32]) -> Option<FoundCrops<'a>> {
        let (places, found) = words.split_at_checked(self.sizes.place_words())?;
        let crops = *places.last()? as usize;
        if crops > self.sizes.room {
            return None;
        }
        let (all, lists) = (self.sizes.lists(), crops * self.sizes.parts);
        let counts = found.get(..lists)?;
        if counts.iter().any(|count| *count > 1) {
            return None;
        }
        let peaks = counts.iter().sum::<u32>() as usize;
        let parts = Found {
            counts,
            totals: found.get(all..all + lists)?,
            peaks: bytemuck::cast_slice(found.get(2 * all..2 * all + 3 * peaks)?),
            scores: &[],
        };
        let classes = found.get(5 * all..5 * all + crops * self.sizes.classes)?;
        let origins = bytemuck::cast_slice(places.get(..2 * crops)?);
        Some(FoundCrops { origins, parts, classes: bytemuck::cast_slice(classes) })
    }
}

impl FrameProgram {
    /// Appends the crops to the program of a centroid network that gets its input from `preprocessor`; `network` is the program for
    /// `max_crops` images and `places` are those of its outputs. `None` if more than `most_words` would be read back.
    pub(in crate::engine::wgpu) fn with_crops(
        mut self,
        (network, places): (Program, &[Place]),
        preprocessor: &Preprocessor,
        route: &CropRoute<'_>,
        most_words: usize,
    ) -> Result<Option<Self>, Error> {
        let plan = route.plan;
        let confmaps = at(places, plan.peaks.output)?;
        let classes = plan.classes.map_or(0, |(_, classes)| classes);
        let sizes = CropSizes { room: plan.max_crops, parts: confmaps.shape.channels, classes };
        let words = self.layout.most_words() + sizes.place_words() + sizes.found_words();
        if words > most_words || self.layout.lists * self.layout.room > MOST_PEAKS {
            return Ok(None);
        }
        let program = &mut self.program;
        let image = program.buffer(network.image_bytes);
        let found = program.buffer(4 * sizes.found_words() as u64);
        // As many dispatches as the network has, one before and up to three behind it.
        let table = program.buffer(4 * (sizes.place_words() + 3 * (network.dispatches.len() + 4)) as u64);
        let first = program.dispatches.len();
        let cut = Source::from(route.sampler).dispatch(program, [self.frame, table], image)?;
        program.dispatches.push(cut);
        let first_buffer = program.append(network, image);
        let moved = |place: &Place| Place { buffer: first_buffer + place.buffer, ..*place };
        let cells = program.buffer(Lists::cell_bytes(sizes.lists(), 1));
        let lists = Lists { lists: sizes.lists(), room: 1, cells, found };
        find_peaks(program, &plan.peaks, &moved(&confmaps), &lists)?;
        if let Some((output, _)) = plan.classes {
            self.vectors(&moved(&at(places, output)?), sizes, found)?;
        }
        let mut crops = CropPart { sizes, table, found, cut: first + 1, grids: Vec::new() };
        for (dispatch, word) in self.program.dispatches[first..].iter_mut().zip((sizes.place_words()..).step_by(3)) {
            dispatch.counted = Some(Counted { buffer: table, word, most_images: sizes.room });
            crops.grids.push(dispatch.grid);
        }
        self.choose(preprocessor, route, &crops)?;
        self.crops = Some(crops);
        Ok(Some(self))
    }

    /// Copies the class vectors behind the peaks.
    fn vectors(&mut self, place: &Place, sizes: CropSizes, found: Slot) -> Result<(), Error> {
        let params = PairParams {
            from_offset: place.offset(),
            from_image: place.image(),
            to_offset: 5 * sizes.lists() as u32,
            to_image: sizes.classes as u32,
            to_channels: sizes.classes as u32,
            to_height: 1,
            to_width: 1,
            ..PairParams::default()
        };
        self.push(Step {
            kernel: Kernel::Unpack,
            overrides: Vec::new(),
            params: bytemuck::bytes_of(&params),
            constants: Vec::new(),
            inputs: vec![Slot::Maps(place.buffer)],
            output: found,
            grid: [1, 1, sizes.classes.div_ceil(BLOCK)],
            moved: [place.bytes() as u64, 4 * sizes.classes as u64],
        })
    }

    /// Puts the dispatch that chooses before those of the crops.
    fn choose(&mut self, preprocessor: &Preprocessor, route: &CropRoute<'_>, crops: &CropPart) -> Result<(), Error> {
        let params = CropParams {
            room: crops.sizes.room as u32,
            dispatches: crops.grids.len() as u32,
            side_px: route.sampler.shape().width as u32,
            stride_px: route.plan.centroid_stride_px as f32,
            scale: preprocessor.image_map().scale(),
            crop_scale: route.sampler.image_map().scale(),
            min_distance_px: route.plan.min_distance_px,
            zero: 0,
        };
        let grids = self.program.constant(crops.grids.as_flattened());
        let step = Step {
            kernel: Kernel::Crop,
            overrides: Vec::new(),
            params: bytemuck::bytes_of(&params),
            constants: vec![grids],
            inputs: vec![Slot::Results],
            output: crops.table,
            grid: [1; 3],
            moved: [4 * self.layout.most_words() as u64, 4 * crops.sizes.place_words() as u64],
        };
        self.program.dispatches.insert(crops.cut - 1, step.dispatch()?);
        Ok(())
    }
}
