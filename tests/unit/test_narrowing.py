from heliograph.base.narrowing import narrow


def test_what_was_not_asked_for_does_not_stand_in_the_clause():
    conditions = [("a = {}", (1,)), ("b = {}", (None,)), ("c < {}", ("x",))]
    assert narrow(conditions, first=2) == ("WHERE true AND a = $2 AND c < $3", [1, "x"])


def test_a_condition_may_have_several_values_and_needs_all_of_them():
    conditions = [("(a, b) < ({}, {})", (1, 2)), ("c BETWEEN {} AND {}", (None, 4)), ("d", ())]
    assert narrow(conditions, first=1) == ("WHERE true AND (a, b) < ($1, $2) AND d", [1, 2])


def test_without_any_condition_all_is_meant():
    assert narrow([], first=1) == ("WHERE true", [])
