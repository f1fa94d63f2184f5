use super::*;
use crate::config::Stage;
use crate::report::NodeCounts;
use std::collections::BTreeMap;

fn node(name: &str, usable: usize) -> NodeCounts {
    NodeCounts { name: name.into(), usable, hidden: 0, missing: 0, outside: 0 }
}

fn statistics(most_animals: usize, diagonal_px: f64, frame_px: usize) -> LabelStatistics {
    LabelStatistics {
        frames: 300,
        labelled_frames: 300,
        empty_frames: 0,
        predicted_only_frames: 0,
        user_instances: 300,
        predicted_instances: 0,
        counts_predicted: false,
        animals: 300 * most_animals,
        blank_instances: 0,
        frames_by_animals: BTreeMap::from([(most_animals, 300)]),
        sizes: Some(AnimalSizes {
            count: 300,
            diagonal_median_px: diagonal_px,
            diagonal_p95_px: diagonal_px,
            diagonal_max_px: diagonal_px,
            longest_side_px: diagonal_px,
        }),
        nodes: vec![node("a", 300 * most_animals), node("b", 300 * most_animals)],
        edges: 1,
        symmetries: 1,
        points_outside: 0,
        points_absurd: 0,
        repeats: crate::report::Repeats::default(),
        unfinished: crate::report::Unfinished::default(),
        tracks: vec![],
        untracked: 0,
        frame_sizes: vec![Some(FrameSize { width_px: frame_px, height_px: frame_px })],
    }
}

fn recommended(statistics: &LabelStatistics, wishes: &Wishes) -> TrainConfig {
    let found = recommend("a.slp", statistics, wishes).unwrap();
    let text = found.to_toml().unwrap();
    let read = TrainConfig::parse(&text, &[]).unwrap();
    assert_eq!(read, found.config, "{text}");
    // Every reason stands in the file: its key exists.
    for (key, _) in &found.reasons {
        let last = key.rsplit('.').next().unwrap();
        assert!(text.contains(&format!("{last} = ")) || text.contains(&format!("[{key}]")), "{key} is missing in\n{text}");
    }
    read
}

#[test]
fn scale_and_batch_follow_the_frames() {
    let of = |frame_px, animal_px| recommended(&statistics(2, animal_px, frame_px), &Wishes::default());
    let figures = |c: TrainConfig| (c.preprocess.input_scale, c.train.batch_size);
    assert_eq!(figures(of(384, 100.0)), (1.0, 8));
    assert_eq!(figures(of(1024, 100.0)), (1.0, 4));
    assert_eq!(figures(of(2048, 400.0)), (0.5, 4));
    assert_eq!(figures(of(4096, 800.0)), (0.25, 4));
    // Small animals in large frames stay visible.
    assert_eq!(figures(of(4096, 60.0)), (1.0, 2));
}

#[test]
fn animals_of_one_part_are_taken_to_be_a_quarter_of_the_frame() {
    let points = LabelStatistics { sizes: None, edges: 0, nodes: vec![node("a", 300)], ..statistics(1, 0.0, 320) };
    let config = recommended(&points, &Wishes::default());
    assert_eq!((config.model.model_type, config.model.max_stride), (TrainModelType::SingleInstance, 32));
    assert!(recommend("a.slp", &points, &Wishes::default()).unwrap().header.contains("taken to measure 80 px"));
    let many = LabelStatistics { frames_by_animals: BTreeMap::from([(3, 300)]), ..points.clone() };
    assert_eq!(recommended(&many, &Wishes::default()).model.model_type, TrainModelType::Centroid);
    let refused = |statistics: &LabelStatistics| recommend("a.slp", statistics, &Wishes::default()).unwrap_err().to_string();
    assert!(refused(&LabelStatistics { frame_sizes: vec![None], ..points.clone() }).contains("no video can be opened"));
    let predicted = LabelStatistics { animals: 0, user_instances: 0, predicted_instances: 7, ..points.clone() };
    assert!(refused(&predicted).contains("all 7 instances were predicted"));
    assert!(refused(&LabelStatistics { predicted_instances: 0, ..predicted }).contains("nothing to train on"));
}

#[test]
fn the_field_holds_the_animals() {
    // Section 6.3: 36, 76, 156, 316 px for max strides 8, 16, 32, 64.
    for (animal_px, stride) in [(30.0, 8), (76.0, 16), (77.0, 32), (300.0, 64), (900.0, 64)] {
        assert_eq!(recommended(&statistics(2, animal_px, 640), &Wishes::default()).model.max_stride, stride, "{animal_px}");
    }
}

#[test]
fn sigma_of_the_fields_grows_with_the_animal() {
    // Half width 120/13 = 9.23 px: sigma = 9.23^2 / sqrt(2 ln 2) = 72, near SLEAP's 75.
    assert_eq!(recommended(&statistics(2, 120.0, 384), &Wishes::default()).model.pafs.sigma, 72.0);
}

#[test]
fn type_and_view_as_wished_or_from_the_labels() {
    let one = recommended(&statistics(1, 100.0, 384), &Wishes::default());
    assert_eq!(one.model.model_type, TrainModelType::SingleInstance);
    // Five cells of 1 px are 2.5 cells of 2 px.
    assert_eq!((one.model.confmaps.stride, one.model.confmaps.sigma), (2, 2.5));
    let wishes = Wishes { model_type: Some(TrainModelType::BottomUp), view: Some(View::Top), minutes: Some(5.0), anchor: None };
    let wished = recommended(&statistics(1, 100.0, 384), &wishes);
    assert_eq!(wished.model.model_type, TrainModelType::BottomUp);
    assert_eq!((wished.augment.rotation_deg, wished.augment.flip_horizontal_probability), ([-180.0, 180.0], 0.5));
    assert_eq!((wished.train.max_minutes, wished.train.early_stopping.patience), (5.0, 0));
}

#[test]
fn what_cannot_work_is_refused() {
    let single = Wishes { model_type: Some(TrainModelType::SingleInstance), ..Wishes::default() };
    assert!(recommend("a", &statistics(2, 50.0, 384), &single).unwrap_err().to_string().contains("up to 2 animals"));
    let mut blank = statistics(1, 50.0, 384);
    (blank.sizes, blank.animals) = (None, 0);
    assert!(recommend("a", &blank, &Wishes::default()).is_err());
    let mut edgeless = statistics(2, 50.0, 384);
    edgeless.edges = 0;
    let joined = Wishes { model_type: Some(TrainModelType::BottomUp), ..Wishes::default() };
    assert!(recommend("a", &edgeless, &joined).unwrap_err().to_string().contains("edges"));
    let known = Wishes { model_type: Some(TrainModelType::BottomUpId), ..Wishes::default() };
    assert!(recommend("a", &statistics(2, 50.0, 384), &known).unwrap_err().to_string().contains("track"));
}

#[test]
fn top_down_has_two_networks() {
    let mut edgeless = statistics(2, 120.0, 384);
    edgeless.edges = 0;
    let config = recommended(&edgeless, &Wishes { anchor: Some("a".into()), ..Wishes::default() });
    assert_eq!((config.model.model_type, config.top_down.anchor_part.as_str()), (TrainModelType::TopDown, "a"));
    let centroid = config.stage(Stage::Centroid).unwrap();
    // 76 px of the input at half scale see 152 px of the frame.
    assert_eq!((centroid.preprocess.input_scale, centroid.model.max_stride, centroid.model.confmaps.stride), (0.5, 16, 2));
    let instance = config.stage(Stage::Instance).unwrap();
    assert_eq!((instance.preprocess.input_scale, instance.model.max_stride), (1.0, 32));
}
