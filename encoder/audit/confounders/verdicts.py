"""The verdict on a thing: by what was shown of it, and in the order of what most needs a look.

confounder     the model leans on it, and it goes with the label in this data
correlate      the same, but it goes with the label at every site alike, or is known to: may be biology or treatment
harmful lean   the model leans on it and errs by it, whether or not it goes with the label here
leaned on      the model leans on it, and nothing more was shown
(nothing)      not even that was shown
"""

from __future__ import annotations

from collections.abc import Sequence

from encoder.audit.confounders.result import LEVEL, VERDICTS, Across, Harm, Known, Verdict


def verdict_of(q_both: float, q_leans: float, *, harm: Harm, across: Sequence[Across], known: Known) -> Verdict:
    """The verdict on one thing.

    What is known to go with the disease is a confounder all the same where it does so at some sites only: then it is
    the site's custom, and another hospital's patients do without.

    Args:
        q_both: of leaning and of going with the label.
        q_leans: of leaning.
        harm: what leaning on it does.
        across: whether it goes with the label alike in all groups.
        known: what it is to the disease, by the table of known correlates.
    """
    if q_both < LEVEL:
        told = {one.told for one in across}
        return "correlate" if "differs" not in told and (known or "alike" in told) else "confounder"
    if q_leans < LEVEL:
        return "harmful lean" if harm.bad else "leaned on"
    return ""


def place(verdict: Verdict, *, harm: float, weight: float) -> tuple[int, float]:
    """Where a row stands: by verdict, then by harm; without a verdict by how much it is worth a look."""
    return VERDICTS.index(verdict), -(harm if verdict else weight)
