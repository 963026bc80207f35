from heliograph.webhooks.lanes import MOST_IN_FLIGHT, Lanes, Later

SLOW = ("slow.example.com:443", "acc_slow")


def full_lanes() -> Lanes:
    lanes = Lanes(slots=200)
    assert [lanes.enter(*SLOW) for _ in range(MOST_IN_FLIGHT)] == [None] * MOST_IN_FLIGHT
    return lanes


def test_a_place_has_so_many_lanes_and_other_places_have_their_own():
    lanes = full_lanes()
    assert lanes.enter(*SLOW) == Later(0.5)
    assert lanes.enter("quick.example.com:443", "acc_slow") is None


def test_a_lane_that_is_left_can_be_entered_again():
    lanes = full_lanes()
    lanes.leave(*SLOW)
    assert lanes.enter(*SLOW) is None
    assert lanes.enter(*SLOW) == Later(0.5)


def test_the_longer_the_crowd_before_a_place_the_later_it_is_asked_again():
    lanes = full_lanes()
    pauses = [later.seconds for _ in range(400) if (later := lanes.enter(*SLOW))]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[MOST_IN_FLIGHT], pauses[-1]) == (0.5, 1, 30)


def test_a_place_that_moves_on_is_asked_again_soon():
    lanes = full_lanes()
    for _ in range(400):
        lanes.enter(*SLOW)
    lanes.leave(*SLOW)
    lanes.enter(*SLOW)
    assert lanes.enter(*SLOW) == Later(0.5)


def test_an_idle_process_remembers_no_place():
    lanes = full_lanes()
    lanes.enter(*SLOW)
    for _ in range(MOST_IN_FLIGHT):
        lanes.leave(*SLOW)
    assert vars(lanes) == vars(Lanes(slots=200))


def take(lanes: Lanes, account_id: str, most: int = 1000) -> int:
    """How many lanes an account gets whose every notice goes to another place."""
    took = (lanes.enter(f"{n}.{account_id}.example.com", account_id) for n in range(most))
    return sum(later is None for later in took)


def test_an_account_gets_a_quarter_of_the_slots_and_all_together_half():
    lanes = Lanes(slots=200)
    assert take(lanes, "acc_1") == 50
    assert take(lanes, "acc_2", most=30) == 30
    assert take(lanes, "acc_3") == 20
    lanes.leave("0.acc_1.example.com", "acc_1")
    assert take(lanes, "acc_1") == 1


def test_the_worker_with_the_fewest_slots_has_a_lane_for_everybody():
    lanes = Lanes(slots=20)
    assert [take(lanes, account_id) for account_id in ("acc_1", "acc_2")] == [5, 5]
