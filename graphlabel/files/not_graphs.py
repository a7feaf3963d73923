"""What a file that is no graph is instead, as its first bytes tell, and what to do about it."""

from __future__ import annotations

_BARE_PICKLE = (
    "a bare pickle, as torch.save wrote before its zip format; where you trust it, write it anew: "
    "torch.save(torch.load(old, weights_only=False), new)"
)
_MARKS = (
    (b"\x80\x02", _BARE_PICKLE),
    (b"\x80\x03", _BARE_PICKLE),
    (b"\x80\x04", _BARE_PICKLE),
    (b"\x80\x05", _BARE_PICKLE),
    (b"<", "a web page or XML; graphlabel fetch MODEL/SLUG fetches a graph of Neuronpedia"),
    (b"version https://git-lfs", "a pointer into Git LFS; git lfs pull fetches the file itself"),
    (b"PAR1", "a Parquet table, such as a feature index has; name the graph JSON"),
    (
        b"SQLite format 3\0",
        "a database, such as an annotation store (--store); name the graph JSON",
    ),
    (b"\x89PNG", "a picture; name the graph JSON it was drawn from"),
)


def what_it_is(data: bytes) -> str | None:
    """What such bytes are, with advice, in words that follow “is”; None when nothing tells."""
    start = data[:64].lstrip()
    return next((words for mark, words in _MARKS if start.startswith(mark)), None)


def what_archive(names: list[str]) -> str | None:
    """The same for a zip archive with files of these names."""
    if any(name.endswith(".npy") for name in names):
        return (
            "an archive of numpy arrays, such as a raw trace; name the graph that trace wrote (-o)"
        )
    return None
