"""Where a thing is at home, how big it is, what it is made of: facts about single subjects."""

from heliograph_studio.lexicon import subjects


def _set(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


SEA = _set(
    "blowfish coral crab dolphin fish jellyfish lobster octopus orca oyster shark shrimp squid"
    " spouting-whale tropical-fish turtle whale mermaid merman merperson spiral-shell diving-mask"
)
COLD = _set(
    "penguin polar-bear seal snowman snowman-without-snow ice skis sled mammoth snowflake skier snowboarder"
)
WOODS = _set(
    "badger bear beaver boar chipmunk deer evergreen-tree fox gorilla hedgehog monkey moose"
    " mushroom orangutan owl panda parrot raccoon skunk sloth snake squirrel tiger wolf koala bison elf fairy"
    " leopard frog spider spider-web t-rex sauropod camping tent"
)
DRY = _set("camel two-hump-camel cactus scorpion lizard desert")
STARS = _set(
    "alien alien-monster astronaut comet flying-saucer milky-way ringed-planet rocket satellite"
    " shooting-star meteor globe-showing-africa globe-showing-americas globe-showing-asia-australia"
    " globe-showing-europe-africa man-astronaut woman-astronaut glowing-star"
)
WATERBORNE = _set(
    "anchor canoe ferry motor-boat passenger-ship ring-buoy sailboat ship speedboat duck swan person-rowing-boat water-wave"
)
SHORE = _set(
    "beach-with-umbrella desert-island flamingo lighthouse palm-tree umbrella-on-ground bikini sandal flip-flop person-surfing"
)
HIGH = _set(
    "goat mount-fuji mountain snow-capped-mountain mountain-cableway mountain-railway volcano eagle llama aerial-tramway person-climbing national-park"
)
AIRBORNE = _set(
    "airplane airplane-arrival airplane-departure small-airplane helicopter parachute balloon kite"
    " dove bird black-bird bat butterfly honeybee eagle rainbow cloud sun full-moon crescent-moon"
    " flying-saucer rocket satellite comet shooting-star star glowing-star sun-with-face ghost"
    " angel baby-angel fairy phoenix mosquito fly meteor monarch-butterfly sun-behind-cloud"
    " full-moon-face new-moon-face wind-face tornado cloud-with-lightning cloud-with-rain cloud-with-snow"
    " high-voltage dragon superhero"
)
# These take to the sky only where nothing else is named.
SKY_HOME = _set(
    "airplane small-airplane helicopter parachute balloon kite dove cloud rainbow sun full-moon crescent-moon phoenix airplane-arrival airplane-departure sun-with-face"
)
CHILDREN = _set("boy girl child baby")
GROWN = _set("robot")
SHELTERS = _set("umbrella umbrella-with-rain-drops umbrella-on-ground")
RAIL = _set(
    "locomotive train railway-car mountain-railway high-speed-train bullet-train railway-track"
)
HEIGHTS = {
    "Travel & Places": 2.3, "Animals & Nature": 2.1, "People & Body": 2.1, "Food & Drink": 1.2,
}  # fmt: skip
WHEELED = _set(
    "automobile racing-car sport-utility-vehicle pickup-truck taxi oncoming-automobile bus trolleybus minibus ambulance"
    " fire-engine police-car delivery-truck articulated-lorry tractor motorcycle motor-scooter bicycle kick-scooter"
    " skateboard oncoming-taxi oncoming-bus oncoming-police-car auto-rickshaw person-biking person-mountain-biking"
)
ROADSIDE = _set("meadow mountain desert forest bamboo snow garden")
FURNITURE = _set(
    "bed chair couch-and-lamp door elevator ladder toilet shower bathtub window television piano drum-kit"
)
BUILDINGS = _set(
    "castle japanese-castle church mosque synagogue hindu-temple kaaba house house-with-garden houses"
    " bank hospital hotel school factory department-store post-office japanese-post-office stadium"
    " office-building convenience-store love-hotel statue-of-liberty tokyo-tower classical-building"
    " derelict-house hut circus-tent ferris-wheel roller-coaster lighthouse wedding station shinto-shrine"
    " building-construction volcano mount-fuji mountain snow-capped-mountain carousel-horse fountain"
)
HUGE = _set(
    "elephant mammoth giraffe spouting-whale whale t-rex sauropod dragon ship passenger-ship rhinoceros hippopotamus orca"
)
SMALL = _set(
    "dog cat black-cat cat-face rabbit rabbit-face mouse mouse-face rat hamster hedgehog frog bird dove duck baby-chick"
    " front-facing-baby-chick hatching-chick bat chipmunk turtle lizard parrot owl penguin squirrel fish tropical-fish blowfish crab skunk beaver otter raccoon chicken rooster goose"
)
MINUTE = _set(
    "ant bug beetle honeybee butterfly cricket fly mosquito spider scorpion snail worm lady-beetle cockroach shrimp monarch-butterfly"
)
FURRY = _set(
    "badger beaver bison black-cat boar camel cat chipmunk cow deer dog donkey ewe goat gorilla guide-dog"
    " hedgehog horse kangaroo leopard llama mammoth monkey moose mouse orangutan otter ox poodle rabbit ram"
    " rat service-dog skunk sloth tiger two-hump-camel water-buffalo zebra cat-face dog-face rabbit-face"
    " mouse-face tiger-face monkey-face cow-face horse-face giraffe teddy-bear unicorn bat squirrel baby-chick"
    " front-facing-baby-chick hatching-chick owl"
)
# Those of them whose hair lies close.
SLEEK = _set(
    "horse cow deer donkey giraffe zebra ox water-buffalo camel two-hump-camel kangaroo ewe goat ram unicorn"
    " leopard boar moose horse-face cow-face"
)
# Vehicles and buildings that may be seen from their other side: nothing is written on them.
ALIKE_MIRRORED = WATERBORNE | _set(
    "automobile racing-car sport-utility-vehicle pickup-truck motorcycle motor-scooter bicycle tractor locomotive"
    " airplane small-airplane helicopter rocket lighthouse castle house house-with-garden hut church flying-saucer"
)
FUR, SLEEK_FUR = 0.020, 0.006
TALL_PLANTS = _set("deciduous-tree evergreen-tree palm-tree christmas-tree tanabata-tree")


def fur_of(slug: str) -> float:
    """How deep the hair of a flat drawing is, as a share of its size."""
    return SLEEK_FUR if slug in SLEEK else FUR if slug in FURRY else 0.0


def fits_on_table(slug: str) -> bool:
    """True for what is drawn on a table when it is in a room."""
    if slug in FURNITURE:
        return False
    category = subjects()[slug].category if slug in subjects() else "Objects"
    return category in {"Food & Drink", "Objects"} or slug in SMALL


def home_of(slug: str) -> str:
    """The setting in which a subject is drawn when the prompt names none."""
    places = (
        (SEA, "underwater"), (COLD, "snow"), (WOODS, "forest"), (DRY, "desert"), (STARS, "space"),
        (WATERBORNE, "ocean"), (SHORE, "beach"), (HIGH, "mountain"), (SKY_HOME, "sky"),
    )  # fmt: skip
    for members, place in places:
        if slug in members:
            return place
    category = subjects()[slug].category if slug in subjects() else "Objects"
    if category in {"Food & Drink", "Objects", "Symbols", "Smileys & Emotion"}:
        return "room"
    if category == "Travel & Places" and slug not in BUILDINGS | RAIL:
        return "city"
    return "meadow"


def height_of(slug: str) -> float:
    """How tall a subject stands, in metres of the stage, where a person has about 2."""
    for members, metres in (
        (BUILDINGS, 4.2), (TALL_PLANTS, 4.4), (HUGE, 3.0), (CHILDREN, 1.75), (GROWN, 2.1), (SHELTERS, 2.7), (SMALL, 1.15), (MINUTE, 0.9),
    ):  # fmt: skip
        if slug in members:
            return metres
    category = subjects()[slug].category if slug in subjects() else "Objects"
    return HEIGHTS.get(category, 1.6)
