"""x."""


def refused(*a: object, **k: object) -> bool:
    return False
