"""Animals whose drawing is only a face or flat: what makes one differ from the next."""

from dataclasses import dataclass

Colour = tuple[float, float, float]

BLACK: Colour = (0.022, 0.021, 0.024)
CREAM: Colour = (0.86, 0.82, 0.75)


@dataclass(frozen=True)
class Species:
    """What makes one animal differ from the next; colours in linear light."""

    coat: Colour
    belly: Colour
    limbs: Colour
    face: Colour
    muzzle: Colour
    ears: Colour
    nose: Colour = BLACK
    ear_shape: str = "round"
    ear_size: float = 0.22
    muzzle_length: float = 0.22
    muzzle_width: float = 0.25
    nose_size: float = 1.0
    eye_size: float = 1.0
    head_width: float = 0.66
    tail: str = "stub"
    tail_tip: Colour | None = None
    marks: tuple[str, ...] = ()
    fur: float = 0.055
    stripe: Colour = BLACK
    poses: tuple[str, ...] = ("sit", "walk")
    # how much higher the head sits than on most
    rise: float = 0.0


@dataclass(frozen=True)
class Bird:
    """An upright bird; colours in linear light."""

    back: Colour
    belly: Colour
    face: Colour
    beak: Colour
    iris: Colour | None
    tufts: bool


SPECIES = {
    "panda": Species(CREAM, CREAM, BLACK, CREAM, CREAM, BLACK, marks=("patches", "band"), eye_size=1.15, poses=("sit", "walk", "stand")),
    "bear": Species((0.19, 0.088, 0.036), (0.25, 0.125, 0.055), (0.15, 0.066, 0.027), (0.21, 0.098, 0.042),
                    (0.42, 0.27, 0.15), (0.15, 0.066, 0.027), muzzle_length=0.30, poses=("sit", "walk", "stand")),
    "polar-bear": Species((0.88, 0.85, 0.78), (0.90, 0.87, 0.80), (0.86, 0.83, 0.76), (0.90, 0.87, 0.80),
                          (0.88, 0.84, 0.76), (0.78, 0.73, 0.66), muzzle_length=0.32, ear_size=0.17, head_width=0.60, poses=("sit", "walk", "stand")),
    "koala": Species((0.36, 0.37, 0.40), (0.72, 0.71, 0.70), (0.33, 0.34, 0.37), (0.38, 0.39, 0.42),
                     (0.46, 0.46, 0.48), (0.42, 0.42, 0.44), ear_size=0.36, muzzle_length=0.14, nose_size=1.9, tail="none",
                     marks=("ear-tufts",), poses=("sit", "stand")),
    "fox": Species((0.62, 0.19, 0.035), (0.85, 0.80, 0.72), (0.070, 0.032, 0.020), (0.66, 0.21, 0.04),
                   (0.86, 0.81, 0.74), (0.50, 0.14, 0.03), ear_shape="pointed", ear_size=0.38, muzzle_length=0.40,
                   muzzle_width=0.19, nose_size=0.8, tail="brush", tail_tip=(0.88, 0.85, 0.80), marks=("cheeks", "ear-tips")),
    "wolf": Species((0.23, 0.24, 0.26), (0.66, 0.64, 0.61), (0.33, 0.33, 0.34), (0.27, 0.28, 0.30),
                    (0.66, 0.64, 0.61), (0.15, 0.15, 0.165), ear_shape="pointed", ear_size=0.36, muzzle_length=0.42,
                    muzzle_width=0.21, tail="brush", tail_tip=(0.08, 0.08, 0.09), marks=("cheeks",)),
    "lion": Species((0.60, 0.33, 0.095), (0.74, 0.52, 0.25), (0.58, 0.32, 0.09), (0.66, 0.38, 0.12),
                    (0.82, 0.66, 0.42), (0.58, 0.32, 0.09), nose=(0.14, 0.05, 0.04), muzzle_length=0.28,
                    muzzle_width=0.28, nose_size=1.15, tail="tuft", tail_tip=(0.13, 0.048, 0.016), marks=("mane",)),
    "hamster": Species((0.62, 0.33, 0.11), (0.88, 0.84, 0.78), (0.80, 0.62, 0.44), (0.66, 0.36, 0.13),
                       (0.88, 0.83, 0.77), (0.62, 0.36, 0.27), nose=(0.45, 0.16, 0.15), ear_size=0.19, muzzle_length=0.13,
                       nose_size=0.6, eye_size=1.25, tail="none", marks=("cheeks",), poses=("sit", "stand")),
    "raccoon": Species((0.25, 0.25, 0.265), (0.46, 0.46, 0.47), (0.10, 0.10, 0.11), (0.36, 0.36, 0.375),
                       (0.74, 0.73, 0.71), (0.16, 0.16, 0.17), ear_shape="pointed", ear_size=0.22, muzzle_length=0.34,
                       muzzle_width=0.20, tail="brush", tail_tip=(0.05, 0.05, 0.055), marks=("patches", "brows"), poses=("sit", "walk", "stand")),
    "frog": Species((0.13, 0.40, 0.045), (0.62, 0.72, 0.28), (0.11, 0.36, 0.04), (0.14, 0.42, 0.05),
                    (0.20, 0.48, 0.08), (0.12, 0.38, 0.04), nose=(0.05, 0.14, 0.02), ear_shape="eyes", muzzle_length=0.10,
                    muzzle_width=0.42, nose_size=0.0, eye_size=1.6, head_width=0.72, tail="none", marks=("wide-mouth",), fur=0.0, poses=("sit",)),
    "cat": Species((0.58, 0.25, 0.065), (0.86, 0.78, 0.68), (0.58, 0.25, 0.065), (0.62, 0.28, 0.08), (0.88, 0.80, 0.70),
                   (0.55, 0.23, 0.06), nose=(0.45, 0.14, 0.13), ear_shape="pointed", ear_size=0.36, muzzle_length=0.14, muzzle_width=0.21,
                   nose_size=0.62, eye_size=1.25, head_width=0.62, tail="long", tail_tip=(0.40, 0.15, 0.035), marks=("stripes",),
                   stripe=(0.36, 0.125, 0.028), fur=0.040),
    "black-cat": Species((0.030, 0.030, 0.034), (0.035, 0.034, 0.038), (0.028, 0.028, 0.031), (0.032, 0.031, 0.035),
                         (0.045, 0.043, 0.046), (0.026, 0.026, 0.029), nose=(0.10, 0.06, 0.06), ear_shape="pointed", ear_size=0.36,
                         muzzle_length=0.14, muzzle_width=0.21, nose_size=0.62, eye_size=1.3, head_width=0.62, tail="long",
                         marks=("bright-eyes",), fur=0.040),
    "dog": Species((0.56, 0.32, 0.13), (0.80, 0.66, 0.45), (0.56, 0.33, 0.14), (0.60, 0.36, 0.16), (0.78, 0.62, 0.42),
                   (0.33, 0.155, 0.055), ear_shape="floppy", ear_size=0.40, muzzle_length=0.34, muzzle_width=0.25, nose_size=1.25,
                   eye_size=1.1, tail="brush", tail_tip=(0.70, 0.50, 0.27)),
    "rabbit": Species((0.62, 0.58, 0.54), (0.86, 0.84, 0.81), (0.66, 0.62, 0.58), (0.66, 0.62, 0.58), (0.88, 0.86, 0.83),
                      (0.60, 0.55, 0.51), nose=(0.55, 0.22, 0.22), ear_shape="long", ear_size=0.30, muzzle_length=0.14, nose_size=0.6,
                      eye_size=1.2, head_width=0.58, tail="stub", marks=("cheeks",), poses=("sit", "stand"), rise=-0.26),
    "tiger": Species((0.62, 0.235, 0.035), (0.88, 0.83, 0.75), (0.60, 0.23, 0.035), (0.64, 0.25, 0.04), (0.90, 0.86, 0.79),
                     (0.55, 0.20, 0.03), nose=(0.40, 0.13, 0.11), muzzle_length=0.26, muzzle_width=0.28, nose_size=1.05, ear_size=0.20,
                     tail="long", tail_tip=(0.035, 0.030, 0.030), marks=("stripes", "cheeks"), stripe=(0.030, 0.026, 0.026)),
    "mouse": Species((0.40, 0.38, 0.37), (0.70, 0.67, 0.65), (0.55, 0.42, 0.38), (0.43, 0.41, 0.40), (0.66, 0.60, 0.57),
                     (0.58, 0.38, 0.36), nose=(0.50, 0.17, 0.17), ear_size=0.38, muzzle_length=0.30, muzzle_width=0.16, nose_size=0.6,
                     eye_size=1.2, head_width=0.54, tail="tuft", tail_tip=(0.45, 0.28, 0.25), fur=0.040, poses=("sit", "stand")),
    "monkey": Species((0.22, 0.105, 0.045), (0.56, 0.38, 0.23), (0.22, 0.105, 0.045), (0.58, 0.39, 0.25), (0.64, 0.45, 0.30),
                      (0.60, 0.40, 0.27), ear_size=0.29, muzzle_length=0.18, muzzle_width=0.31, nose_size=0.55, eye_size=1.15,
                      tail="long", tail_tip=(0.20, 0.095, 0.04), marks=("cap", "low-ears"), poses=("sit", "stand")),
    "pig": Species((0.78, 0.42, 0.40), (0.82, 0.48, 0.46), (0.74, 0.38, 0.36), (0.80, 0.45, 0.43), (0.80, 0.38, 0.38),
                   (0.72, 0.34, 0.33), nose=(0.62, 0.22, 0.23), ear_shape="pointed", ear_size=0.26, muzzle_length=0.26, muzzle_width=0.22,
                   nose_size=0.0, fur=0.0, marks=("snout",)),
    "chipmunk": Species((0.42, 0.15, 0.045), (0.82, 0.72, 0.58), (0.40, 0.14, 0.04), (0.45, 0.17, 0.05), (0.80, 0.68, 0.54),
                        (0.38, 0.13, 0.04), ear_shape="pointed", ear_size=0.26, muzzle_length=0.20, muzzle_width=0.20, nose_size=0.7,
                        eye_size=1.2, head_width=0.56, tail="plume", tail_tip=(0.55, 0.24, 0.08), marks=("cheeks",), poses=("sit", "stand")),
}  # fmt: skip

# Birds: back, belly, face, beak and feet, eyes with a coloured ring or none.
BIRDS = {
    "penguin": Bird((0.035, 0.038, 0.050), (0.88, 0.86, 0.80), (0.88, 0.86, 0.80), (0.80, 0.36, 0.04), None, tufts=False),
    "owl": Bird((0.25, 0.135, 0.062), (0.62, 0.45, 0.27), (0.56, 0.39, 0.23), (0.72, 0.46, 0.10), (0.85, 0.50, 0.04), tufts=True),
    "baby-chick": Bird((0.85, 0.60, 0.06), (0.88, 0.70, 0.18), (0.86, 0.63, 0.08), (0.85, 0.33, 0.03), None, tufts=False),
}  # fmt: skip
