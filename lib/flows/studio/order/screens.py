"""The screens of an order: each says what is wanted and offers the ways on and back."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from lib import config, db
from lib import text as sentences
from lib.credits import catalog, ledger
from lib.flows.studio import ordering
from lib.flows.studio.order import cutting
from lib.flows.studio.order import draft as drafts
from lib.flows.studio.ordering import OrderDraft
from lib.studio import mends, moderation, orders
from lib.studio import words as card_words
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn

type Screen = tuple[str, Keyboard]

CUT = timedelta(seconds=4)  # that another photo of a clip takes


async def show_next(turn: Turn, *notes: str) -> None:
    """Show the screen for what the draft lacks first; the person's next text is an answer to it."""
    before = drafts.of(turn)
    draft, step = await _standing(turn, before)
    if drafts.has_photo(before) and not drafts.has_photo(draft):
        notes += (turn.text("studio.cut.no_use"),)
    if drafts.cannot_stand(draft):
        what = "clear" if drafts.is_clear(draft) else drafts.LOOKS[draft.product]
        notes += (turn.text(f"studio.cut.cannot.{what}"),)
        drafts.keep(turn, drafts.without_cut(draft))
        draft = drafts.of(turn)
        step = drafts.missing(draft)
    other = _other_words(turn, draft) if step in ("wishes", "confirm") else None
    if other:
        step, (words, keyboard) = other
    elif step == "confirm":
        step, (words, keyboard) = await _confirm(turn, draft)
    elif step == "product":
        words, keyboard = _ask_product(turn, draft, await db.run(catalog.list_products))
    else:
        words, keyboard = ASK[step](turn, draft)
    turn.state.step = f"order:{step}"
    await turn.show(screen.paragraphs(*notes, words), keyboard)


async def _standing(turn: Turn, draft: OrderDraft) -> tuple[OrderDraft, str]:
    """Return the draft with what is known of its cut, where a screen is to offer what only a cut can fill."""
    step = drafts.missing(draft)
    if step in ("product", "preset") or (step == "confirm" and drafts.needs_cut(draft)):
        draft = await cutting.learned(turn, draft)
    return draft, drafts.missing(draft)


def _ask_photo(turn: Turn, draft: OrderDraft) -> Screen:
    key = "card.photo_for_title" if draft.title else "card.photo"
    rows = [screen.home(turn)]
    if drafts.has_photo(draft):
        rows = _ways(turn, draft, "order:resume", True)
    return turn.text(key, title=draft.title), rows


def _ask_words(turn: Turn, draft: OrderDraft) -> Screen:
    if draft.title:
        return _ask_edit(turn, draft)
    key = "studio.words.describe" if config.get().openai_api_key and not draft.described else "card.words"
    rows = _ways(turn, draft, "order:change:look" if draft.product else "order:change:photo", False)
    if not draft.product or not drafts.needs_words(draft):
        rows.insert(0, [screen.button(turn, "studio.nowords", "order:nowords")])
    return turn.text(key, limit=card_words.TITLE_LIMIT), rows


def _ask_edit(turn: Turn, draft: OrderDraft) -> Screen:
    """Show the words as they are, ready to be copied, corrected and sent."""
    words = "\n".join([draft.title, *draft.benefits])
    return turn.text("studio.words.edit", words=words), _ways(turn, draft, "order:change:photo", True)


def _ask_product(turn: Turn, draft: OrderDraft, shelf: list[catalog.Product]) -> Screen:
    lines, buttons = [turn.text("studio.product.ask"), ""], []
    can_stand = drafts.can_stand(draft, "scene")
    for product in shelf:
        if drafts.LOOKS[product.code] == "scene" and not can_stand:
            continue
        least = min(orders.COUNTS[product.code])
        key = "studio.product.from" if least > 1 else "studio.product.line"
        name = turn.text(f"studio.product.{product.code}")
        about = turn.text(f"studio.product.{product.code}.about")
        lines.append(turn.text(key, name=name, price=product.total(least), about=about))
        buttons.append(Button(name, f"order:product:{product.code}"))
    lines += [] if can_stand else ["", turn.text("studio.cut.no_scene")]
    return "\n".join(lines), [
        *screen.in_rows(buttons),
        *_ways(turn, draft, "order:change:words", bool(draft.product)),
    ]


def _ask_look(turn: Turn, draft: OrderDraft) -> Screen:
    look = drafts.LOOKS[draft.product]
    choices = drafts.CHOICES[look]
    prefix = "preset" if look == "preset" else f"studio.{look}"
    key = "card.preset" if look == "preset" else f"studio.{look}.ask"
    if drafts.is_filmed_here(draft):
        key, prefix = f"{key}.own", f"{prefix}.own"
    if look == "preset":
        choices = orders.presets(draft.product)
    elif not drafts.has_ai():
        choices = tuple(choice for choice in choices if choice not in orders.INVENTED)
    left_out = [one for one in ("white", "clear") if one in choices and not drafts.can_stand(draft, one)]
    offered = [choice for choice in choices if choice not in left_out]
    buttons = [screen.button(turn, f"{prefix}.{choice}", f"order:{look}:{choice}") for choice in offered]
    return screen.paragraphs(turn.text(key), _why_without(turn, draft, left_out)), [
        *screen.in_rows(buttons),
        *_ways(turn, draft, "order:change:product", bool(drafts.chosen(draft, look))),
    ]


def _why_without(turn: Turn, draft: OrderDraft, left_out: Sequence[str]) -> str:
    """Say why what needs a clean cut is not offered: there is none, or another one was chosen."""
    if not left_out:
        return ""
    if left_out == ["clear"] and draft.free == "anywhere":
        return turn.text("studio.cut.no_clear")
    return turn.text(f"studio.cut.no_cut.{'_'.join(left_out)}")


def _ask_photos(turn: Turn, draft: OrderDraft) -> Screen:
    """Ask for the other photos of a batch or a clip, up to as many as it may have."""
    number, kind = len(drafts.all_photos(draft)), "clip" if drafts.is_clip(draft) else "batch"
    rows = [[screen.button(turn, "studio.batch.enough", "order:resume", style="primary")]] if number > 1 else []
    if kind == "clip" and number > 1:
        rows.append([screen.button(turn, "studio.clip.first", "order:photos:first")])
    key = "studio.clip.given" if kind == "clip" and not drafts.is_filmed_here(draft) else f"studio.{kind}.photos"
    words = turn.text(key, n=number, limit=drafts.limit(draft))
    return words, [*rows, *_ways(turn, draft, "order:change:product", False)]


def _ask_music(turn: Turn, draft: OrderDraft) -> Screen:
    buttons = [screen.button(turn, f"studio.music.{name}", f"order:music:{name}") for name in orders.MUSIC]
    return turn.text("studio.music.ask"), [*screen.in_rows(buttons), *_ways(turn, draft, "order:change:look", False)]


def _ask_titles(turn: Turn, draft: OrderDraft) -> Screen:
    words = turn.text("studio.batch.titles", n=drafts.count(draft), limit=card_words.TITLE_LIMIT)
    one = [[screen.button(turn, "studio.batch.one_title", "order:titles:none")]] if draft.titles else []
    return words, [*one, *_ways(turn, draft, "order:change:words", False)]


def _ask_wishes(turn: Turn, draft: OrderDraft) -> Screen:
    own = drafts.is_own(draft)
    lines = [turn.text("studio.wishes.own" if own else "studio.wishes.ask", limit=orders.WISHES_LIMIT)]
    if not drafts.has_ai():
        lines.append(turn.text("studio.wishes.unheard"))
    skip = [] if own else [[screen.button(turn, "studio.wishes.skip", "order:wishes:skip")]]
    return screen.paragraphs(*lines), [*skip, *_ways(turn, draft, "order:change:look", bool(drafts.said(draft)))]


def _ways(turn: Turn, draft: OrderDraft, before: str, is_there: bool) -> Keyboard:
    """Return the way back, to the confirm screen for a seller who came from there and else to the step before; and the
    way on, for a seller who came back to an answer and likes it."""
    if drafts.is_whole(draft):
        return [screen.home(turn, "order:resume")]
    keep = [[screen.button(turn, "studio.keep", "order:resume")]] if draft.ask and is_there else []
    return [*keep, screen.home(turn, before)]


ASK = {
    "photo": _ask_photo,
    "words": _ask_words,
    "preset": _ask_look,
    "scene": _ask_look,
    "template": _ask_look,
    "wishes": _ask_wishes,
    "photos": _ask_photos,
    "titles": _ask_titles,
    "music": _ask_music,
}


async def _confirm(turn: Turn, draft: OrderDraft) -> tuple[str, Screen]:
    user_id = turn.state.who["id"]
    offer = await offer_of(user_id, draft)
    if offer is None or not offer.product.is_on:
        draft = replace(draft, product="")
        drafts.keep(turn, draft)
        words, keyboard = _ask_product(turn, draft, await db.run(catalog.list_products))
        return "product", (f"{turn.text('studio.product.off')}\n\n{words}", keyboard)
    terms = drafts.terms(draft, offer)
    price = terms.price
    is_open = draft.waits and terms.cause  # nobody knows when that model can be asked
    promised = 0 if is_open else math.ceil(lasts(draft, offer, terms).total_seconds())
    design = offer.design if draft.design is None else draft.design
    music = draft.music or offer.music or orders.MUSIC[0]
    draft = replace(draft, price=price, maker=terms.maker, promised=promised, design=design, music=music)
    drafts.keep(turn, draft)
    notes = (*_uncut(turn, draft), *_few(turn, draft), *_invented(turn, draft, terms), *_halted(turn, draft, terms))
    words = screen.paragraphs(summary(turn, draft), *notes)
    other = _other_maker(turn, draft, terms, offer)
    if offer.balance < price:
        short = turn.text("studio.short", price=price, balance=offer.balance)
        top_up = screen.button(turn, "studio.top_up", "wallet:packs", style="success")
        return "confirm", (f"{words}\n\n{short}", [[top_up], *other, *_counts(turn, draft), *_changes(turn, draft)])
    lines = [words, turn.text("card.price", price=price, balance=offer.balance, left=offer.balance - price)]
    if not draft.waits or not terms.cause:
        lines.append(turn.text("studio.usually", time=about(turn.language, waits(draft, offer, terms))))
    confirm = Button(turn.text("card.confirm", price=price), "order:confirm", style="success")
    return "confirm", (screen.paragraphs(*lines), [*_counts(turn, draft), [confirm], *other, *_changes(turn, draft)])


async def offer_of(user_id: int, draft: OrderDraft) -> ledger.ProductOffer | None:
    """Return what the draft's order is to a person, and whom it can be asked of now."""
    code, number, asked = draft.product, drafts.count(draft), drafts.asked(draft)
    return await db.run(lambda conn: ledger.offer(conn, user_id, code, number, asked))


def waits(draft: OrderDraft, offer: ledger.ProductOffer, terms: drafts.Terms) -> timedelta:
    """Return how long it will probably be until the order is there: the line now, and the making."""
    by_ai = drafts.is_by_ai(draft) and terms.maker != "own"
    return offer.waits(by_ai=by_ai) + lasts(draft, offer, terms)


def lasts(draft: OrderDraft, offer: ledger.ProductOffer, terms: drafts.Terms) -> timedelta:
    """Return how long the making will probably take, once its turn has come."""
    more = len(drafts.shots(draft)) if drafts.is_filmed_here(replace(draft, maker=terms.maker)) else 0
    by_ai = drafts.is_by_ai(draft) and terms.maker != "own"
    return offer.lasts(drafts.count(draft), by_ai=by_ai) + CUT * more


def _uncut(turn: Turn, draft: OrderDraft) -> list[str]:
    """Say what happens to the photos of a batch that cannot be cut, or used at all."""
    if draft.product != "batch":
        return []
    kind = draft.preset if draft.preset in ("white", "clear", "classified") else "cover"
    return [turn.text(f"studio.batch.uncut.{kind}"), turn.text("studio.batch.terms")]


def _few(turn: Turn, draft: OrderDraft) -> list[str]:
    """Say that more words would make more slides."""
    most, words = orders.COUNTS[draft.product][-1], drafts.counts(draft)[-1]
    return [turn.text("studio.set.few", n=words, most=most)] if words < most else []


def _halted(turn: Turn, draft: OrderDraft, terms: drafts.Terms) -> list[str]:
    """Say why no model can make it now, and what happens instead."""
    if not terms.cause:
        return []
    cause = turn.text(f"making.cause.{terms.cause}")
    if terms.maker == "own" and drafts.LOOKS[draft.product] == "scene" and draft.scene in orders.INVENTED:
        scene = turn.text(f"studio.scene.{orders.INVENTED[draft.scene]}")
        return [turn.text("studio.maker.own_scene", cause=cause, scene=scene)]
    return [turn.text("studio.maker.own" if terms.maker == "own" else "studio.maker.waits", cause=cause)]


def _invented(turn: Turn, draft: OrderDraft, terms: drafts.Terms) -> list[str]:
    """Say what of the picture a model will invent."""
    if not drafts.is_by_ai(draft) or terms.maker == "own":
        return []
    return [turn.text(f"studio.invented.{drafts.LOOKS[draft.product]}")]


def _other_maker(turn: Turn, draft: OrderDraft, terms: drafts.Terms, offer: ledger.ProductOffer) -> Keyboard:
    """Return the button that waits for the model instead, or no longer does."""
    if not terms.cause:
        return []
    number = drafts.count(draft)
    if terms.maker == "own":
        return [[Button(turn.text("studio.maker.wait", price=offer.product.total(number)), "order:maker:model")]]
    return [[Button(turn.text("studio.maker.now", price=offer.product.own_total(number)), "order:maker:own")]]


def _other_words(turn: Turn, draft: OrderDraft) -> tuple[str, Screen] | None:
    """Return the step and the screen for words that nobody may draw, or that the marketplace refuses."""
    menu, edit = screen.home(turn), screen.button(turn, "button.words", "order:change:words")
    if refused := refused_words(turn, draft):
        allowed_elsewhere = not moderation.check_words([draft.title, *draft.titles, *draft.benefits])
        ways = [screen.button(turn, "button.formats", "order:change:look")] if allowed_elsewhere else []
        if draft.titles:
            ways.append(screen.button(turn, "studio.batch.own_titles", "order:change:titles"))
        return "words", (refused, [[edit, *ways], menu])
    if refused := moderation.check_words([drafts.said(draft)]):
        skip = screen.button(turn, "studio.wishes.without", "order:wishes:skip")
        return "wishes", (turn.text("error.words_refused", detail=refused), [[skip], menu])
    return None


def refused_words(turn: Turn, draft: OrderDraft) -> str:
    """Say which words of a card nobody may draw, or its marketplace refuses; "" when all may stand on it."""
    said = [draft.title, *draft.titles, *draft.benefits]
    if refused := moderation.check_words(said):
        return turn.text("error.words_refused", detail=refused)
    found = (
        card_words.check_words(draft.preset, draft.title, (*draft.titles, *draft.benefits))
        if drafts.needs_words(draft)
        else []
    )
    if not found:
        return ""
    lines = [turn.text("card.forbidden", market=turn.text(f"preset.{draft.preset}.name")), ""]
    lines += [turn.text(f"card.forbidden.{finding.kind}", words=finding.words) for finding in found]
    return "\n".join([*lines, "", turn.text("card.forbidden.now", words="\n".join(said))])


def summary(turn: Turn, draft: OrderDraft) -> str:
    """Return what is about to be ordered, in words."""
    product = draft.product
    names = [turn.text(f"studio.product.{product}"), look_name(turn, draft)]
    lines = [turn.text("card.summary", preset=" · ".join(names))]
    if product == "batch":
        key = "studio.batch.number" if drafts.needs_words(draft) else "studio.batch.plain"
        lines.append(turn.text(key, n=drafts.count(draft)))
    elif draft.variant:
        first, count = draft.variant + 1, 1 if mends.is_in_one_look(product, draft.preset) else drafts.count(draft)
        key = "studio.variants" if count > 1 else "studio.variant"
        lines.append(turn.text(key, first=first, last=first + count - 1))
    if draft.title and drafts.bears_words(draft):
        titles = draft.titles if product == "batch" and draft.titles else (draft.title,)
        lines += [turn.text("card.title", title=title) for title in titles]
        lines += [turn.text("card.benefit", benefit=benefit) for benefit in draft.benefits]
        lines += [turn.text("card.lost", words=draft.lost)] if draft.lost else []
    if draft.design and not draft.variant and drafts.has_cover(draft):
        number = drafts.picked(draft)
        lines.append(turn.text("strip.picked", n=number) if number else turn.text("strip.remembered"))
    if drafts.is_clip(draft):
        lines += _of_clip(turn, draft)
    if drafts.said(draft) and drafts.takes_wishes(draft):
        lines.append(turn.text("studio.wishes.said", wishes=drafts.said(draft)))
    return "\n".join(lines)


def _of_clip(turn: Turn, draft: OrderDraft) -> list[str]:
    """Say which photos a clip shows, and what is heard."""
    photos, key = drafts.shots(draft), "number" if drafts.is_filmed_here(draft) else "shown"
    lines = [turn.text(f"studio.clip.{key}", n=len(photos))] if photos else []
    music = draft.music or orders.MUSIC[0]
    if music == "none":
        return [*lines, turn.text("studio.music.silent")]
    return [*lines, turn.text("studio.music.said", music=turn.text(f"studio.music.{music}"))]


def look_name(turn: Turn, draft: OrderDraft) -> str:
    """Return what the preset, scene or template is called; a clip that we film shows nobody, and says so."""
    look = drafts.LOOKS[draft.product]
    choice = drafts.chosen(draft, look)
    if drafts.is_filmed_here(draft):
        return turn.text(f"studio.template.own.{choice}")
    return turn.text(f"preset.{choice}" if look == "preset" else f"studio.{look}.{choice}")


def about(language: str, span: timedelta) -> str:
    """Return how long something takes, as honestly as it is known: a few seconds, about 20 seconds, about 2 minutes."""
    seconds = span.total_seconds()
    if seconds <= 15:
        return sentences.say(language, "studio.time.moment")
    if seconds <= 50:
        return sentences.say(language, "studio.time.seconds", n=int(-(-seconds // 10)) * 10)
    if seconds < 90:
        return sentences.say(language, "studio.time.minute")
    return sentences.say(language, "studio.time.minutes", n=round(seconds / 60))


def _counts(turn: Turn, draft: OrderDraft) -> Keyboard:
    """Return how many can be ordered at once, the chosen number marked."""
    choices = drafts.counts(draft)
    chosen = drafts.count(draft)
    if len(choices) == 1 or draft.product == "batch":
        return []
    buttons = [
        Button(f"{'✅ ' if n == chosen else ''}{ordering.counted(turn, draft.product, n)}", f"order:count:{n}")
        for n in choices
    ]
    return [buttons] if len(buttons) < 4 else [buttons[:2], buttons[2:]]


def _changes(turn: Turn, draft: OrderDraft) -> Keyboard:
    look = f"studio.change.{drafts.LOOKS[draft.product]}"
    words = [screen.button(turn, "button.words", "order:change:words")] if drafts.bears_words(draft) else []
    rows = [
        [*words, screen.button(turn, look, "order:change:look")],
        [
            screen.button(turn, "studio.change.product", "order:change:product"),
            screen.button(turn, "studio.change.photo", "order:change:photo"),
        ],
    ]
    if draft.product == "batch":
        more = [screen.button(turn, "studio.batch.more", "order:change:photos")]
        titles = [screen.button(turn, "studio.batch.own_titles", "order:change:titles")]
        rows.append(
            [*(more if drafts.count(draft) < orders.PHOTOS else []), *(titles if drafts.needs_words(draft) else [])]
        )
    if drafts.is_clip(draft):
        more = [screen.button(turn, "studio.batch.more", "order:change:photos")]
        music = screen.button(turn, "studio.change.music", "order:change:music")
        rows.append([*more, music])
    if drafts.takes_wishes(draft):
        rows.append([screen.button(turn, "studio.change.wishes", "order:change:wishes")])
    return [*rows, screen.home(turn, "order:change:look")]
