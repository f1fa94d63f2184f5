"""Checks labels files written by Dormouse with h5py and sleap-io.

check_slp.py small FILE         FILE is the small example of the unit tests (trainer/src/dataset/slp/test_support.rs)
check_slp.py same FILE COPY     COPY holds the same frames, instances, scores, tracks and skeleton as FILE
"""

import json
import sys

import h5py
import numpy as np
import sleap_io


def check_layout(path):
    """The layout that classic SLEAP expects (field names and types of its own files)."""
    with h5py.File(path, "r") as file:
        meta = file["metadata"].attrs
        assert float(meta["format_id"]) == 1.2
        assert isinstance(meta["json"], np.bytes_), type(meta["json"])
        json.loads(meta["json"].tobytes().decode())
        point = [("x", "<f8"), ("y", "<f8"), ("visible", "?"), ("complete", "?")]
        instance = "instance_id:<i8 instance_type:|u1 frame_id:<u8 skeleton:<u4 track:<i4 from_predicted:<i8 score:<f4 "
        instance += "point_id_start:<u8 point_id_end:<u8 tracking_score:<f4"
        frame = "frame_id:<u8 video:<u4 frame_idx:<u8 instance_id_start:<u8 instance_id_end:<u8"
        expected = {
            "points": np.dtype(point),
            "pred_points": np.dtype(point + [("score", "<f8")]),
            "instances": np.dtype([tuple(field.split(":")) for field in instance.split()]),
            "frames": np.dtype([tuple(field.split(":")) for field in frame.split()]),
        }
        for name, dtype in expected.items():
            assert file[name].dtype == dtype, (name, file[name].dtype)
        for name in ["videos_json", "tracks_json", "suggestions_json"]:
            texts = file[name]
            assert texts.dtype.kind == "S" or len(texts) == 0, (name, texts.dtype)
            for text in texts:
                json.loads(text)


def check_small(path):
    check_layout(path)
    labels = sleap_io.load_slp(path, open_videos=False)
    assert labels.skeleton.name == "fly \u00e9"
    assert labels.skeleton.node_names == ["head", "wingL", "wing \U0001F400"]
    assert labels.skeleton.edge_inds == [(0, 2), (0, 1)]
    assert labels.skeleton.symmetry_inds == [(1, 2)], labels.skeleton.symmetry_inds
    assert [track.name for track in labels.tracks] == ["female", "male \u2642"]
    assert [frame.frame_idx for frame in labels] == [7, 1 << 40]
    assert labels.provenance["model"] == "m\u00fcsli"
    user, predicted = labels[1].user_instances[0], labels[1].predicted_instances[0]
    assert user.from_predicted is predicted and user.track.name == "male \u2642"
    assert predicted.track.name == "female" and abs(predicted.score - 0.75) < 1e-7
    assert np.allclose(predicted.numpy(), [[3, 2.5], [4, 2.5], [5, 2.5]])
    assert np.allclose(predicted.points["score"], [0, 0.25, 0.5])
    assert np.allclose(user.numpy(), [[1.25, 2.0], [np.nan] * 2, [np.nan] * 2], equal_nan=True)
    assert labels.videos[0].filename == "a/b.mp4"


def stored_edges(path):
    """Edges by edge_insert_idx, as classic SLEAP orders them (sleap-io keeps the order of the file)."""
    with h5py.File(path, "r") as file:
        skeleton = json.loads(file["metadata"].attrs["json"])["skeletons"][0]
    order = [node["id"] for node in skeleton["nodes"]]
    links = [link for link in skeleton["links"] if "edge_insert_idx" in link]
    links.sort(key=lambda link: link["edge_insert_idx"])
    return [(order.index(link["source"]), order.index(link["target"])) for link in links]


def check_same(path, copy):
    check_layout(copy)
    a, b = (sleap_io.load_slp(p, open_videos=False) for p in (path, copy))
    assert a.skeleton.node_names == b.skeleton.node_names
    assert stored_edges(path) == b.skeleton.edge_inds
    assert [t.name for t in a.tracks] == [t.name for t in b.tracks]
    assert len(a) == len(b) and len(a.videos) == len(b.videos)
    for x, y in zip(a, b):
        assert x.frame_idx == y.frame_idx and len(x) == len(y)
        for i, j in zip(x, y):
            assert type(i) is type(j)
            assert np.array_equal(i.numpy(), j.numpy(), equal_nan=True)
            assert (i.track and i.track.name) == (j.track and j.track.name)
            if hasattr(i, "score"):
                assert i.score == j.score
                assert np.array_equal(i.points["score"], j.points["score"], equal_nan=True)


if __name__ == "__main__":
    {"small": check_small, "same": check_same}[sys.argv[1]](*sys.argv[2:])
