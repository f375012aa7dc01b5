"""Forms in a chat: questions as data, one at a time, back without loss, words checked as they are typed.

A form is a list of steps. Its answers are kept in State.data, so a person who looks at another screen goes on where
they were; [afresh] drops them. The next question is the first one without an answer, and after the last one comes the
confirmation. An answer to a question that another answer has made pointless is kept, but does not count.

A draft that holds a name unknown to the form was begun in another version of it and is not read: the form begins again.
So a step whose answer changes its shape changes its name.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lib import errors
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn

CONFIRM = "confirm"

type Draft = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One question, and what answers it.

    `read` makes an answer of what was typed, or raises Invalid; without it only buttons answer. `choices` has the
    answer of each button by the end of its data, or a function that makes the answer of the draft. `label` says what
    is on such a button; `keyboard` replaces them all.
    """

    name: str
    read: Callable[[str, Draft], Any] | None = None
    choices: Mapping[str, Any] = field(default_factory=dict)
    label: Callable[[Turn, str], str] = lambda turn, choice: choice
    width: int = 2
    keyboard: Callable[[Turn, Draft], Keyboard] | None = None

    def buttons(self, turn: Turn, flow: str, draft: Draft) -> Keyboard:
        """Return the buttons that answer."""
        if self.keyboard:
            return self.keyboard(turn, draft)
        place = f"{flow}:{self.name}"
        return screen.in_rows(
            [Button(self.label(turn, one), screen.page(place, one)) for one in self.choices], self.width
        )


@dataclass(frozen=True)
class FormSentences:
    """What all forms of a bot say: notes above a question, and the button that drops what was answered."""

    goes_on: str
    use_buttons: str
    words_only: str
    afresh: str


@dataclass(frozen=True)
class Form:
    """A list of questions that ends with a confirmation.

    `flow` begins the data of its buttons and its states, `key` its sentences, `name` is where State.data keeps its
    draft. `facts` are the names of what a draft holds beside answers, such as the shop that it is about. `fields` are
    the fields of all its sentences. `skipped` names the questions that the answers so far make pointless. `back` is
    where the first question leads back to. `confirm` names the sentence of the confirmation, `send` its button.
    """

    flow: str
    name: str
    key: str
    steps: Sequence[Step]
    sentences: FormSentences
    fields: Callable[[Turn, Draft], dict[str, Any]]
    refusal: Callable[[Turn, errors.AppError], str]
    send: str
    facts: Collection[str] = ()
    back: str = ""
    skipped: Callable[[Draft], Collection[str]] = lambda draft: ()
    confirm: Callable[[Draft], str] = lambda draft: CONFIRM
    below: Callable[[Turn], Keyboard] = lambda turn: []

    def asked(self, draft: Draft) -> dict[str, Step]:
        """Return the questions that this draft has to answer."""
        skipped = self.skipped(draft)
        return {one.name: one for one in self.steps if one.name not in skipped}

    def counting(self, draft: Draft) -> Draft:
        """Return the facts, and the answers to what is asked."""
        asked = self.asked(draft)
        return {name: said for name, said in draft.items() if name in asked or name in self.facts}

    def next(self, draft: Draft) -> str:
        """Return the first question without an answer."""
        return next((name for name in self.asked(draft) if name not in draft), CONFIRM)


def draft_of(turn: Turn, form: Form) -> Draft | None:
    """Return what was answered so far; None when nothing was begun, or another version of the form began it."""
    draft = turn.state.data.get(form.name)
    known = {*form.facts, *(one.name for one in form.steps)}
    return draft if isinstance(draft, dict) and draft.keys() <= known else None


def is_open(turn: Turn, form: Form) -> bool:
    """Tell whether there is a form for this update to answer; a button must be one of the current screen."""
    return draft_of(turn, form) is not None and (turn.came.kind != "press" or turn.on_screen)


async def begin(turn: Turn, form: Form, *, afresh: bool = False, **facts: Any) -> None:
    """Go on with a draft of these facts, if there is one with an answer, and ask what comes next."""
    draft = draft_of(turn, form) or {}
    same = all(draft[name] == facts.get(name) for name in form.facts if name in draft)
    begun = same and not afresh and not draft.keys() <= {*form.facts}
    turn.state.data[form.name] = {**draft, **facts} if begun else facts
    note = turn.text(form.sentences.goes_on) if begun else ""
    await ask(turn, form, note=note, afresh=begun)


async def ask(turn: Turn, form: Form, step: str = CONFIRM, note: str = "", *, afresh: bool = False) -> None:
    """Ask a question, or for the confirmation once there is nothing else to ask."""
    draft = turn.state.data[form.name] = draft_of(turn, form) or {}
    asked = form.asked(draft)
    step = step if step in asked else form.next(draft)
    turn.state.step = f"{form.flow}:{step}"
    way = [*asked, CONFIRM]
    before = way[way.index(step) - 1] if step != way[0] else ""
    again = [[screen.button(turn, form.sentences.afresh, f"{form.flow}:new:afresh")]] if afresh else []
    rows = [*_rows(turn, form, step), *again, screen.home(turn, f"{form.flow}:back:{before}" if before else form.back)]
    sentence = step if step in asked else form.confirm(draft)
    words = turn.text(f"{form.key}{sentence}", **form.fields(turn, form.counting(draft)))
    await turn.show(screen.paragraphs(note, words), rows)


def _rows(turn: Turn, form: Form, step: str) -> Keyboard:
    draft = turn.state.data[form.name]
    if step in (asked := form.asked(draft)):
        return asked[step].buttons(turn, form.flow, draft)
    return [[screen.button(turn, form.send, f"{form.flow}:send", style="success")], *form.below(turn)]


async def answer(turn: Turn, form: Form) -> None:
    """Take a pressed button or typed words for an answer; anything else has the open question asked again."""
    draft = draft_of(turn, form) or {}
    if turn.came.kind == "press":
        await _press(turn, form, draft)
        return
    step = _open(turn, form, draft)
    read = form.asked(draft)[step].read if step != CONFIRM else None
    if turn.came.kind != "text" or read is None:
        note = form.sentences.use_buttons if turn.came.kind == "text" else form.sentences.words_only
        await ask(turn, form, step, turn.text(note))
        return
    try:
        said = read(turn.came.text.strip(), draft)
    except errors.Invalid as error:
        await ask(turn, form, step, form.refusal(turn, error))
        return
    await keep(turn, form, step, said)


async def _press(turn: Turn, form: Form, draft: Draft) -> None:
    action, argument = screen.pressed(turn)
    step = form.asked(draft).get(action)
    if step and argument in step.choices:
        said = step.choices[argument]
        await keep(turn, form, action, said(draft) if callable(said) else said)
    else:
        await ask(turn, form, argument if action == "back" else _open(turn, form, draft))


def _open(turn: Turn, form: Form, draft: Draft) -> str:
    """Return the question on the screen, else the first without an answer."""
    flow, _, step = turn.state.step.partition(":")
    return step if flow == form.flow and step in form.asked(draft) else form.next(draft)


async def keep(turn: Turn, form: Form, step: str, said: Any) -> None:
    """Keep an answer and ask what comes next."""
    turn.state.data[form.name] = {**(draft_of(turn, form) or {}), step: said}
    await ask(turn, form)


async def confirmed(turn: Turn, form: Form) -> Draft | None:
    """Return the facts and the answers that count, when it is their confirmation that was pressed; else ask on."""
    draft = draft_of(turn, form) or {}
    if turn.state.step != f"{form.flow}:{CONFIRM}" or form.next(draft) != CONFIRM:
        await ask(turn, form)
        return None
    return form.counting(draft)


def settle(turn: Turn, form: Form) -> None:
    """Forget a draft whose answers have had their effect; an edit of one of them comes too late."""
    turn.state.data.pop(form.name, None)
    turn.state.step = ""
    turn.settled = True
