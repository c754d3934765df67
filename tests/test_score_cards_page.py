"""The page of score cards is made from the kit's own cards, and every mode shipped here conforms."""

import json

import score_cards


def test_the_page_is_what_the_cards_say():
    cards = json.loads(score_cards.CARDS.read_text(encoding="utf-8"))
    assert score_cards.PAGE.read_text(encoding="utf-8") == score_cards.render(cards)
    assert [card["subject"] for card in cards if not card["conforms"]] == []
    assert len(cards) == len(score_cards.MODES)
