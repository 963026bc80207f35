"""The light of an hour and a weather. Colours are linear r, g, b; directions point to the light."""

from dataclasses import dataclass, replace

import numpy as np

from heliograph_studio.scene import Scene

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """Everything that shines: the key light, the sky, the air."""

    sun: Colour
    sun_direction: Colour
    disc_direction: Colour
    zenith: Colour
    horizon: Colour
    fog: Colour
    sky: Colour
    disc: float = 6.0
    moon: bool = False
    stars: float = 0.0
    clouds: float = 0.35
    fog_factor: float = 1.0
    windows: float = 0.08
    wet: float = 0.0
    exposure: float = 0.82


HOURS = {
    "day": Light((2.25, 2.02, 1.70), (-0.55, 0.72, 0.48), (-0.5, 0.75, -0.4), (0.115, 0.29, 0.70), (0.60, 0.75, 0.92),
                 (0.62, 0.74, 0.90), (0.40, 0.51, 0.68), clouds=0.42),
    "golden": Light((2.35, 1.78, 1.22), (-0.70, 0.46, 0.42), (-0.80, 0.30, -0.52), (0.27, 0.34, 0.64), (0.93, 0.72, 0.62),
                    (0.78, 0.66, 0.66), (0.37, 0.43, 0.61), clouds=0.45),
    "sunset": Light((2.70, 1.38, 0.62), (-0.83, 0.26, 0.30), (-0.36, 0.085, -0.93), (0.13, 0.17, 0.42), (1.00, 0.46, 0.20),
                    (0.82, 0.45, 0.30), (0.34, 0.34, 0.50), disc=9.0, clouds=0.55, windows=0.35),
    "sunrise": Light((2.35, 1.62, 1.08), (0.80, 0.30, 0.34), (0.38, 0.10, -0.92), (0.25, 0.38, 0.70), (1.00, 0.68, 0.56),
                     (0.86, 0.66, 0.62), (0.38, 0.42, 0.58), disc=8.0, clouds=0.45, fog_factor=1.3),
    "night": Light((0.48, 0.58, 0.86), (-0.60, 0.60, 0.50), (0.34, 0.40, -0.85), (0.006, 0.012, 0.042), (0.045, 0.075, 0.16),
                   (0.040, 0.062, 0.125), (0.085, 0.115, 0.215), disc=4.5, moon=True, stars=1.0, clouds=0.22, windows=0.45,
                   exposure=1.05),
}  # fmt: skip

COLOURS: dict[str, Colour] = {
    "red": (0.62, 0.030, 0.026), "orange": (0.80, 0.24, 0.025), "yellow": (0.85, 0.62, 0.05), "gold": (0.78, 0.47, 0.10),
    "green": (0.06, 0.40, 0.07), "teal": (0.03, 0.42, 0.42), "blue": (0.035, 0.12, 0.62), "purple": (0.26, 0.05, 0.52),
    "pink": (0.86, 0.25, 0.42), "brown": (0.25, 0.11, 0.045), "white": (0.86, 0.85, 0.82), "black": (0.020, 0.020, 0.022),
    "gray": (0.30, 0.31, 0.33),
}  # fmt: skip


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    return tuple(x + (y - x) * share for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def _scaled(a: Colour, factor: float) -> Colour:
    return tuple(x * factor for x in a)  # type: ignore[return-value]


def _gray(a: Colour) -> Colour:
    light = 0.3 * a[0] + 0.6 * a[1] + 0.1 * a[2]
    return (light, light, light * 1.06)


def _overcast(light: Light, amount: float) -> Light:
    return replace(
        light,
        sun=_scaled(_mix(light.sun, _gray(light.sun), 0.6 * amount), 1 - 0.72 * amount),
        zenith=_mix(light.zenith, _scaled(_gray(light.horizon), 0.62), 0.8 * amount),
        horizon=_mix(light.horizon, _scaled(_gray(light.horizon), 0.90), 0.75 * amount),
        fog=_mix(light.fog, _gray(light.fog), 0.7 * amount),
        sky=_scaled(_mix(light.sky, _gray(light.sky), 0.5 * amount), 1 + 0.45 * amount),
        clouds=max(light.clouds, 0.35 + 0.6 * amount),
        disc=light.disc * (1 - amount),
        stars=light.stars * (1 - amount),
        moon=light.moon,
    )


def _weathered(light: Light, weather: str) -> Light:
    match weather:
        case "cloudy":
            return _overcast(light, 0.65)
        case "rain":
            return replace(
                _overcast(light, 0.85), fog_factor=2.2, wet=0.9, windows=max(light.windows, 0.3)
            )
        case "storm":
            dark = _overcast(light, 1.0)
            return replace(dark, zenith=_scaled(dark.zenith, 0.45), horizon=_scaled(dark.horizon, 0.6),
                           fog=_scaled(dark.fog, 0.6), sky=_scaled(dark.sky, 0.7), fog_factor=2.2, wet=0.8,
                           clouds=1.0, windows=max(light.windows, 0.35))  # fmt: skip
        case "fog":
            return replace(_overcast(light, 0.45), fog_factor=2.5)
        case "snowfall":
            return replace(_overcast(light, 0.22), fog_factor=1.35)
        case _:
            return light


def _in_mood(light: Light, scene: Scene) -> Light:
    moods = scene.moods
    if "dark" in moods:
        light = replace(
            light,
            sun=_scaled(light.sun, 0.7),
            sky=_scaled(light.sky, 0.75),
            fog_factor=light.fog_factor * 1.6,
        )
    if "warm" in moods:
        light = replace(
            light,
            sun=_mix(light.sun, (2.5, 1.7, 0.9), 0.5),
            horizon=_mix(light.horizon, (0.95, 0.66, 0.42), 0.35),
        )
    if "cold" in moods:
        light = replace(
            light,
            sun=_mix(light.sun, (1.5, 1.75, 2.1), 0.5),
            fog=_mix(light.fog, (0.55, 0.70, 0.92), 0.4),
        )
    if "neon" in moods:
        light = replace(light, sky=_mix(light.sky, (0.16, 0.06, 0.26), 0.6), fog=_mix(light.fog, (0.11, 0.035, 0.20), 0.7),
                        horizon=_mix(light.horizon, (0.26, 0.05, 0.24), 0.7), windows=0.42, wet=max(light.wet, 0.8))  # fmt: skip
    if "magic" in moods:
        light = replace(light, fog=_mix(light.fog, (0.62, 0.42, 0.80), 0.4), horizon=_mix(light.horizon, (0.80, 0.50, 0.85), 0.35),
                        stars=max(light.stars, 0.35))  # fmt: skip
    if scene.colour and scene.colour not in {"black", "gray", "white"}:
        hue = COLOURS[scene.colour]
        peak = max(hue)
        strong = _scaled(hue, 0.8 / peak)
        glow = 0.3 * light.horizon[0] + 0.6 * light.horizon[1] + 0.1 * light.horizon[2]
        light = replace(light, horizon=_mix(light.horizon, _scaled(strong, 1.6 * glow), 0.5),
                        fog=_mix(light.fog, _scaled(strong, 1.5 * glow), 0.45), sun=_mix(light.sun, _scaled(strong, 2.6), 0.25))  # fmt: skip
    return light


def light_of(scene: Scene, rng: np.random.Generator) -> Light:
    """The light for a scene; the generator turns the sun a little."""
    light = _in_mood(_weathered(HOURS[scene.time], scene.weather), scene)
    turn = float(rng.uniform(-0.35, 0.35))
    flip = -1.0 if rng.random() < 0.4 else 1.0
    return replace(
        light,
        sun_direction=_turned(light.sun_direction, turn, flip if scene.setting != "room" else 1.0),
        disc_direction=_turned(light.disc_direction, turn * 0.5, flip),
    )


def _turned(direction: Colour, angle: float, flip: float) -> Colour:
    c, s = float(np.cos(angle)), float(np.sin(angle))
    x, y, z = direction
    x, z = (x * c - z * s) * flip, x * s + z * c
    length = float(np.sqrt(x * x + y * y + z * z))
    return (x / length, y / length, z / length)
