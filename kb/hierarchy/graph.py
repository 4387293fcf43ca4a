"""Many meanings as one graph: what each stands under, what right above it, and how many steps apart.

Never all pairs: what a meaning needs is a set of tokens, and those that need a part of what another says are found by
walking a tree of such sets.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from kb.hierarchy.meaning import Meaning
from kb.hierarchy.order import sides_hold, stands_under

_HERE = -1
"""The key under which a node of the tree holds the meanings that need just what leads to it."""

Node = dict[int, Any]


class Hierarchy:
    """Meanings by number, each once: `meanings`, and what stands above and below each of them."""

    def __init__(self, meanings: Iterable[Meaning]):
        self.meanings: Sequence[Meaning] = tuple(dict.fromkeys(meanings))
        self.number_of = {meaning: number for number, meaning in enumerate(self.meanings)}

    def __len__(self) -> int:
        return len(self.meanings)

    @cached_property
    def above(self) -> list[frozenset[int]]:
        """All that each stands under, itself left out."""
        number = self._numbers_of_tokens
        tree = self._tree()
        found: list[frozenset[int]] = []
        for own, meaning in enumerate(self.meanings):
            reached = _subsets(tree, frozenset(number[token] for token in meaning.says if token in number))
            if meaning.scattered:
                reached = [one for one in reached if sides_hold(meaning, self.meanings[one])]
            found.append(frozenset(reached) - {own})
        return found

    @cached_property
    def below(self) -> list[frozenset[int]]:
        """All that stands under each, itself left out."""
        return self._turned(self.above)

    @cached_property
    def parents(self) -> list[frozenset[int]]:
        """What each stands right under: nothing of the graph is between."""
        return [
            above.difference(*(self.above[one] for one in above)) if len(above) > 1 else above for above in self.above
        ]

    @cached_property
    def children(self) -> list[frozenset[int]]:
        """What stands right under each."""
        return self._turned(self.parents)

    def steps_above(self, number: int) -> dict[int, int]:
        """A meaning and all that it stands under, each with the fewest steps up from it."""
        steps = {number: 0}
        waiting = deque([number])
        while waiting:
            one = waiting.popleft()
            for parent in self.parents[one]:
                if parent not in steps:
                    steps[parent] = steps[one] + 1
                    waiting.append(parent)
        return steps

    def under(self, general: Meaning) -> list[int]:
        """All that stands under a meaning, which need be none of the graph; the same meaning too."""
        return [number for number, meaning in enumerate(self.meanings) if stands_under(meaning, general)]

    @cached_property
    def _numbers_of_tokens(self) -> dict[Any, int]:
        """The tokens that any meaning needs, the rarest first: so the tree branches early."""
        counts = Counter(token for meaning in self.meanings for token in meaning.needs)
        return {token: at for at, token in enumerate(sorted(counts, key=lambda token: (counts[token], token)))}

    def _tree(self) -> Node:
        """What the meanings need, as a tree: a path from the top is a set of tokens, in their order."""
        tree: Node = {}
        for own, meaning in enumerate(self.meanings):
            node = tree
            for token in sorted(self._numbers_of_tokens[token] for token in meaning.needs):
                node = node.setdefault(token, {})
            node.setdefault(_HERE, []).append(own)
        return tree

    def _turned(self, pairs: Sequence[frozenset[int]]) -> list[frozenset[int]]:
        turned: list[list[int]] = [[] for _ in self.meanings]
        for number, others in enumerate(pairs):
            for other in others:
                turned[other].append(number)
        return [frozenset(found) for found in turned]


def _subsets(tree: Node, said: frozenset[int]) -> list[int]:
    """The meanings of a tree that need nothing but what is said."""
    found: list[int] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        found += node.get(_HERE, ())
        waiting += [node[token] for token in node.keys() & said]
    return found
