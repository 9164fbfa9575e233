"""The registrable part of a host, by the ICANN rules of the public suffix list (publicsuffix.org/list).

The list comes with the `publicsuffixlist` package and is read once, at first use; the network is never touched.
Walking a tree of labels here costs a quarter of that package's own look-up.
"""

from functools import cache
from importlib.resources import files

from hub_core.rules._tables import PRIVATE_SUFFIXES, TEST_SUFFIXES


class _Node(dict[str, "_Node"]):
    """Labels one step to the left; `public` when the labels down to here are a public suffix."""

    public = False


@cache
def _tree() -> _Node:
    """The ICANN rules as a tree from the right: `*` is any label, `!x` an exception to it."""
    root = _Node()
    text = files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    icann = text.partition("===BEGIN ICANN DOMAINS===")[2].partition("// ===END ICANN DOMAINS===")[0]
    rules = [line.split()[0] for line in icann.splitlines()[1:] if line.strip() and not line.startswith("//")]
    for rule in rules:
        node = root
        for label in reversed(rule.split(".")):
            if label == "*":
                node.public = True  # *.ck makes ck public too
            node = node.setdefault(label, _Node())
        node.public = True
    for suffix in TEST_SUFFIXES:
        root[suffix] = _Node()
    for suffix in PRIVATE_SUFFIXES:
        root.pop(suffix, None)
    return root


def registrable(host: str) -> str:
    """The public suffix and one label more: www.acme.co.uk -> acme.co.uk.

    In: a host in lower-case Unicode without a trailing dot. Out: "" for an IP address, a single label, a public
    suffix itself, a suffix that is not on the list, or a host with an empty label.
    """
    labels = host.split(".")
    node = _tree().get(labels[-1])
    if node is None or "" in labels:
        return ""
    start = last = len(labels) - 1  # labels[start:] is the public suffix found so far
    for at in range(last - 1, -1, -1):
        if not node:
            break
        label = labels[at]
        if f"!{label}" in node:
            break
        below = node.get(label)
        if below is None:
            below = node.get("*")
        if below is None:
            break
        node = below
        if node.public:
            start = at
    return ".".join(labels[start - 1 :]) if start else ""
