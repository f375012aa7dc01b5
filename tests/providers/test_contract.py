"""What every provider promises, held against the stand-ins. The table of providers says which there are."""

import io

import av
import pytest
from PIL import Image

from lib import config, errors, providers
from lib.drawing.clip import encoder, shots, templates
from lib.providers import contract, makers
from lib.providers.contract import Offer, Output, Ticket
from tests.providers.asked import CALLBACK, ask, finished
from tests.sizes import few


def offers():
    """Each model once, with the stills that clips begin with, and its name."""
    found = {}
    for product, chain in makers.CHAINS.items():
        for offer in chain:
            for step in (offer, offer.still):
                if step:
                    found.setdefault((step.provider, step.model, step.params.get("duration")), (product, step))
    names = [f"{one[1].name}-{key[2] or ''}" for key, one in found.items()]
    return few(found.values(), 6, several=True), names


OFFERS, NAMES = offers()


@pytest.mark.parametrize(("product", "offer"), OFFERS, ids=NAMES)
async def test_every_model_takes_our_request_and_gives_what_was_ordered(
    keyed, product_photo, product, offer, monkeypatch
):
    for module in (encoder, shots, templates):
        monkeypatch.setattr(module, "FPS", 1)
    provider, wanted = providers.load(offer.provider), ask(product, product_photo)
    request = await provider.prepare(offer, wanted)
    made = await provider.create(offer, wanted, request, CALLBACK)
    assert isinstance(made, Output) == provider.INSTANT
    output = await finished(provider, made)
    if (product.startswith("video") and "image-to-video" in offer.model) or offer.model == "video":
        with av.open(io.BytesIO(output.data)) as film:
            assert film.streams.video[0].codec_context.name == "h264"
    else:
        assert Image.open(io.BytesIO(output.data)).size > (100, 100)
    assert output.cost is None or output.cost <= offer.cost, "the list price is what it may cost at most"


@pytest.mark.parametrize("name", providers.PROVIDERS)
async def test_a_ticket_that_nobody_gave_is_no_success(keyed, name):
    [report] = await providers.load(name).poll([Ticket(name, "m", "task_made_up", "nobody")])
    assert report.state in ("failed", "unknown")


@pytest.mark.parametrize("name", providers.PROVIDERS)
async def test_a_task_that_is_not_ours_is_not_found(keyed, name):
    offer = Offer(name, "nano-banana-2")
    assert (
        await providers.load(name).find(offer, {"model": "nano-banana-2", "input": {"prompt": "x"}}, "task_x") is None
    )


async def test_a_job_whose_key_rests_uses_another_and_none_when_all_rest(keyed):
    known = set(config.get().accounts["kie"])
    mine = makers.account("kie", 7)
    other = makers.account("kie", 7, [mine])
    assert {mine, other} == known
    assert makers.account("kie", 7, known) == makers.account("local", 7) == ""


@pytest.mark.parametrize(
    ("size", "ratio"), [((1000, 1000), "1:1"), ((900, 1200), "3:4"), ((1080, 1920), "9:16"), ((1200, 1600), "3:4")]
)
def test_proportions_are_said_in_the_models_words(size, ratio):
    assert contract.Ask(1, "card", "", b"", *size).ratio == ratio


@pytest.mark.parametrize("fault", [KeyError("x"), ValueError("x"), TypeError("x"), RecursionError(), IndexError()])
def test_an_odd_answer_is_its_providers_failure(fault):
    with pytest.raises(errors.Unavailable, match="odd answer") as failed, contract.answers("odd_answer"):
        raise fault
    assert failed.value.code == "odd_answer"


@pytest.mark.parametrize("refusal", [errors.Rejected("rules"), errors.Unavailable("busy"), errors.Denied()])
def test_a_refusal_with_a_name_keeps_it(refusal):
    with pytest.raises(type(refusal)) as kept, contract.answers("odd_answer"):
        raise refusal
    assert kept.value is refusal
