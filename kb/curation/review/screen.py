"""The review on a terminal screen: a group, what Enter would do in words, and both sides with their sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Footer

from kb.curation.review.decide import Decided
from kb.curation.review.group import DOES_AWAY, Group, Member
from kb.curation.review.group_session import GroupSession
from kb.curation.review.keys import IN_FOOTER, KEYS
from kb.curation.review.pane import concept_pane, wording_pane
from kb.curation.review.prompts import KeysHelp, RenamePrompt, TargetPrompt
from kb.curation.review.selection import Selection
from kb.curation.review.shown import Shown
from kb.curation.review.targets import typed_targets
from kb.curation.words import times
from kb.errors import ClearKbError

AT_THE_END = ("undo", "stop", "help")
ROWS = 9
"""Rows of a group that are seen at once; the others scroll in."""


def _bindings() -> list[BindingType]:
    found: list[BindingType] = [Binding("ctrl+c", "stop", show=False)]
    for key in KEYS:
        for name in key.keys:
            action = f"mark({name})" if key.action == "mark" else key.action
            shown = key.action in IN_FOOTER and name == key.keys[0]
            found.append(Binding(name, action, key.label, show=shown, priority=name == "tab"))
    return found


class ReviewApp(App[None]):
    """Walks a review session; the footer says what the keys do, and the first line what Enter does."""

    TITLE = "clear-kb review"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #head { background: $primary; color: $text; padding: 0 1; height: auto; }
    #enter { padding: 0 1; height: auto; max-height: 4; text-style: bold; }
    #rows { height: auto; max-height: 9; padding: 0 1; }
    .side { width: 1fr; padding: 0 1; border: round $surface-lighten-2; }
    .side.scrolled { border: round $accent; }
    #said { padding: 0 1; color: $text-muted; height: auto; max-height: 3; }
    RenamePrompt, TargetPrompt, KeysHelp { align: center middle; }
    RenamePrompt > Vertical, TargetPrompt > Vertical, KeysHelp > VerticalScroll {
        width: 90%; max-width: 100; height: auto; max-height: 90%; padding: 1 2; border: round $accent;
        background: $surface;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = _bindings()

    def __init__(self, session: GroupSession, queue: str):
        super().__init__()
        self.session = session
        self._queue = queue
        self._said = ""
        self._armed: str | None = None
        self._scrolled = "right"
        self._selection = Selection.of(session.state, session.group)

    def compose(self) -> ComposeResult:
        """Head line, what Enter does, the rows of the group, both sides, what was said last, and the keys."""
        yield Shown(id="head")
        yield Shown(id="enter")
        with VerticalScroll(id="rows", can_focus=False):
            yield Shown(id="members")
        with Horizontal():
            for side in ("left", "right"):
                with VerticalScroll(id=side, classes="side", can_focus=False):
                    yield Shown(id=f"{side}-text")
        yield Shown(id="said")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """The screen is there: show the first group."""
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which keys there are at the end."""
        known = {key.action for key in KEYS}
        return action in AT_THE_END if action in known and self.session.group is None else True

    def action_take(self) -> None:
        """Enter: what the first line says."""
        chosen = self._selection
        into = chosen.target.concept_id if chosen.target is not None else None
        group = self.session.group
        if group is not None and group.act in DOES_AWAY and into is None and self._armed != group.group_id:
            self._tell(f"Enter again: {chosen.in_words().removeprefix('Enter: ')}", armed=group.group_id)
            return
        self._decide(lambda: self.session.take(chosen.ticked, into=into))

    def action_apart(self) -> None:
        """N: not the same, for good; of the whole group."""
        self._decide(self.session.apart)

    def action_reject(self) -> None:
        """X, and x again: the marked row is no observation."""
        row = self._selection.row
        if row is None or row.concept_id is None:
            self._tell("a wording is a name or none: n says that it is none")
        elif self._armed != row.concept_id:
            told = f"x again: '{row.text}' ({times(row.mentions)}) is no observation; any other key leaves it"
            self._tell(told, armed=row.concept_id)
        else:
            self._decide(lambda: self.session.reject([str(row.concept_id)]))

    def action_tick(self) -> None:
        """Space: tick the marked row, or not."""
        self._selection.tick()
        self._show_choice()

    def action_tick_all(self) -> None:
        """T: all, or none."""
        self._selection.tick_all()
        self._show_choice()

    def action_down(self) -> None:
        """J: the next row."""
        self._move(1)

    def action_up(self) -> None:
        """K: the row before."""
        self._move(-1)

    def action_mark(self, number: int) -> None:
        """1-9: mark a numbered concept as the one that stays, and nothing else; again takes the mark away."""
        self._said = self._selection.mark(number)
        self._show_choice()

    def action_rename(self) -> None:
        """E: another text for the marked row."""
        row = self._selection.row
        if row is None or row.concept_id is None:
            self._tell("a wording is no concept: it has no other text")
            return

        def renamed(text: str | None) -> None:
            if text is not None:
                self._decide(lambda: self.session.rename(text, of=row.concept_id))

        self.push_screen(RenamePrompt(row.text), renamed)

    def action_target(self) -> None:
        """/: another concept, typed."""
        of = self._selection.goes
        if of is None:
            self._tell("a name goes to its concept: there is no other target")
            return

        def chosen(target: Member | None) -> None:
            if target is not None:
                self._selection.aim(target)
                self._show_choice()

        def find(words: str) -> list[Member]:
            return typed_targets(self.session.state, str(of.concept_id), words)

        self.push_screen(TargetPrompt(find, of.text), chosen)

    def action_skip(self) -> None:
        """S: not now."""
        self.session.skip()
        self._said = "skipped"
        self._next()

    def action_undo(self) -> None:
        """U: the last step is taken back."""
        try:
            self._said = self.session.undo()
        except ClearKbError as error:
            self._said = str(error)
        self._next()

    def action_page_down(self) -> None:
        """PageDown: the sentences go on."""
        self._scroll(1)

    def action_page_up(self) -> None:
        """PageUp: the sentences go back."""
        self._scroll(-1)

    def action_other_side(self) -> None:
        """Tab: scroll the other side from now on."""
        self._scrolled = "left" if self._scrolled == "right" else "right"
        self._show_scrolled()
        self._tell("")

    def action_help(self) -> None:
        """?: all keys."""
        self.push_screen(KeysHelp())

    async def action_stop(self) -> None:
        """Q: stop."""
        self.exit()

    def _decide(self, decision: Callable[[], Decided]) -> None:
        """Carry a decision out and say what was done, or why it could not be."""
        before = self.session.group
        try:
            self._said = "; ".join(decision().words)
        except ClearKbError as error:
            self._said = str(error)
            self.session.refresh()
            if self.session.group == before:  # nothing was decided: ticks and target stay as they are
                self._show_choice()
                return
        self._next()

    def _next(self) -> None:
        self._selection = Selection.of(self.session.state, self.session.group)
        self._show()

    def _move(self, by: int) -> None:
        self._selection.move(by)
        self._show_choice()

    def _tell(self, said: str, *, armed: str | None = None) -> None:
        """Say something; whatever is said takes back that a concept was to be rejected, unless `armed` says so."""
        self._said, self._armed = said, armed
        self.query_one("#said", Shown).show(Text(said))

    def _show(self) -> None:
        session = self.session
        place = f"{min(session.at + 1, len(session.groups)):,} of {len(session.groups):,}"
        speed = f", {session.seconds / session.decided:.0f} s each" if session.decided else ""
        head = Text.assemble((self._queue, "bold"), f"  {place}   decided {session.decided:,}{speed}")
        if session.group is not None:
            head.append(f"   {session.group.reason}", "italic")
        self.query_one("#head", Shown).show(head)
        self._show_choice()
        for side in ("left", "right"):
            self.query_one(f"#{side}").scroll_home(animate=False)
        self._show_scrolled()
        self.refresh_bindings()

    def _show_choice(self) -> None:
        """What is ticked and marked, and what Enter would do with it."""
        group, chosen = self.session.group, self._selection
        told = "That was the last one: u takes the last step back, q stops." if group is None else chosen.in_words()
        self.query_one("#enter", Shown).show(Text(told))
        self.query_one("#members", Shown).show(chosen.rows_in_words())
        self.query_one("#rows").scroll_to(y=max(chosen.at - ROWS + 2, 0), animate=False)
        self.query_one("#left-text", Shown).show(self._left(group))
        self.query_one("#right-text", Shown).show(self._right(group))
        self._tell(self._said)

    def _left(self, group: Group | None) -> RenderableType:
        """What stays: the target that was chosen, or the survivor; without one the concept itself."""
        if group is None:
            return Text()
        stays = self._selection.target or group.survivor
        heading = "stays" if stays is not None else "the concept"
        return concept_pane(self.session.state, stays or group.members[0], heading)

    def _right(self, group: Group | None) -> RenderableType:
        """The marked row; where that stands on the left already, what it may be the same as."""
        row = self._selection.row
        if group is None or row is None:
            return Text()
        if row.concept_id is None and group.survivor is not None:
            return wording_pane(self.session.state, str(group.survivor.concept_id), row, "a name of it?")
        if group.survivor is None and self._selection.target is None:
            return self._selection.near_in_words()
        return concept_pane(self.session.state, row, "the marked row")

    def _scroll(self, pages: int) -> None:
        side = self.query_one(f"#{self._scrolled}")
        side.scroll_relative(y=pages * max(side.size.height - 1, 1), animate=False)
        self._tell("")

    def _show_scrolled(self) -> None:
        for side in ("left", "right"):
            self.query_one(f"#{side}").set_class(side == self._scrolled, "scrolled")
