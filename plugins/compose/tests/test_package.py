import retrieverkit_compose


def test_it_says_what_it_is():
    assert "made of others" in retrieverkit_compose.__doc__
