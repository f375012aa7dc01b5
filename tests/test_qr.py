import io

from PIL import Image

from lib import qr

LINK = "https://t.me/lotok_partner_bot?start=c_" + "Ab9_-xYz" * 6


def test_a_code_is_a_square_picture_with_white_round_it():
    picture = Image.open(io.BytesIO(qr.png(LINK))).convert("L")
    width, height = picture.size
    assert width == height >= 400
    edge = qr.QUIET * 12
    for box in ((0, 0, width, edge), (0, 0, edge, height), (0, height - edge, width, height)):
        assert picture.crop(box).getextrema() == (255, 255)


def test_a_code_stays_small_enough_to_be_sent_at_once():
    assert len(qr.png(LINK)) < 4000


def test_another_link_is_another_picture():
    assert qr.png(LINK) != qr.png(LINK[:-1])
