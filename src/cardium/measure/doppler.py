"""Flow from the envelope of a Doppler spectrum: peaks, VTI and gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray, Mark, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.measure.timing import Beat


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow, from its beginning to its end; all numbers are positive.

    Parameters
    ----------
    peak_velocity_cm_s, mean_velocity_cm_s : float [cm/s]
        Greatest velocity, and mean over the time of the flow.
    vti_cm : float [cm]
        Velocity-time integral.
    peak_gradient_mmhg, mean_gradient_mmhg : float [mmHg]
        Greatest pressure gradient, and mean of the instantaneous gradients.
    duration_s : float [s]
        How long it flows.
    """

    peak_velocity_cm_s: float
    mean_velocity_cm_s: float
    vti_cm: float
    peak_gradient_mmhg: float
    mean_gradient_mmhg: float
    duration_s: float


def pressure_gradient_mmhg(velocity: FloatArray | float) -> FloatArray:
    """Return the pressure gradient that drives a jet.

    Parameters
    ----------
    velocity : (...) [m/s]
        Velocity of the jet, of either sign.

    Returns
    -------
    (...) [mmHg]
        4 v^2, the simplified Bernoulli equation.

    Notes
    -----
    It leaves out the velocity upstream, viscous friction and acceleration (Baumgartner
    et al. 2017, the recommendations of EACVI and ASE on aortic stenosis).

    Examples
    --------
    >>> pressure_gradient_mmhg(np.array([1.0, -4.0])).tolist()
    [4.0, 64.0]
    """
    return 4 * np.asarray(velocity, np.float64) ** 2


def velocity_time_integral(time: FloatArray, velocity: FloatArray) -> float:
    """Integrate the speed of a flow over its time.

    Parameters
    ----------
    time : (T,) [s]
        Times, ascending.
    velocity : (T,) [m/s]
        Envelope of the flow, of either sign.

    Returns
    -------
    float [m]
        By the trapezoidal rule, never negative: the distance that blood goes.

    Raises
    ------
    InvalidArgumentError
        If the two do not belong together, are not finite, or times do not ascend.

    Examples
    --------
    A half sine of peak v and duration T has 2 v T / pi.

    >>> time = np.linspace(0, 0.3, 301)
    >>> vti = velocity_time_integral(time, -np.sin(np.pi * time / 0.3))
    >>> round(vti, 4), round(2 * 1.0 * 0.3 / np.pi, 4)
    (0.191, 0.191)
    """
    time, speed = np.asarray(time, np.float64), abs(np.asarray(velocity, np.float64))
    if time.ndim != 1 or time.shape != speed.shape or len(time) < 2:
        raise InvalidArgumentError(
            f"VTI: {time.shape} times and {speed.shape} velocities; two of each are "
            "needed at least."
        )
    if not (np.isfinite(time).all() and np.isfinite(speed).all()):
        raise InvalidArgumentError("VTI: times and velocities must be finite.")
    if (np.diff(time) < 0).any():
        raise InvalidArgumentError("VTI: times must ascend.")
    return float(np.trapezoid(speed, time))


def measure_flow(time: FloatArray, velocity: FloatArray) -> Flow:
    """Measure one flow, from its beginning to its end.

    Parameters
    ----------
    time : (T,) [s]
        Times, ascending.
    velocity : (T,) [m/s]
        Envelope of the flow, of either sign.

    Returns
    -------
    Flow
        In the units of clinicians.

    Raises
    ------
    InvalidArgumentError
        If times and velocities do not belong together or the flow lasts no time.

    Notes
    -----
    The mean gradient is the mean over time of ``4 v^2``, not that of the mean velocity
    (Baumgartner et al. 2017).

    Examples
    --------
    For a half sine the mean gradient is half of the peak gradient.

    >>> time = np.linspace(0, 0.3, 301)
    >>> flow = measure_flow(time, -4 * np.sin(np.pi * time / 0.3))
    >>> round(flow.peak_velocity_cm_s), round(flow.vti_cm, 1)
    (400, 76.4)
    >>> round(flow.peak_gradient_mmhg, 2), round(flow.mean_gradient_mmhg, 2)
    (64.0, 32.0)
    """
    vti = velocity_time_integral(time, velocity)
    duration = float(time[-1] - time[0])
    if not duration > 0:
        raise InvalidArgumentError("Flow: it lasts no time at all.")
    gradient = pressure_gradient_mmhg(velocity)
    return Flow(
        peak_velocity_cm_s=100 * float(abs(np.asarray(velocity)).max()),
        mean_velocity_cm_s=100 * vti / duration,
        vti_cm=100 * vti,
        peak_gradient_mmhg=float(gradient.max()),
        mean_gradient_mmhg=float(np.trapezoid(gradient, time)) / duration,
        duration_s=duration,
    )


def traced_flow(mark: Mark) -> tuple[FloatArray, FloatArray]:
    """Take times and velocities from an envelope that a reader traced.

    Parameters
    ----------
    mark : Mark
        A trace of three points or more on a spectrum: ``"LVOT trace"``.

    Returns
    -------
    time, velocity : (P,) [s], (P,) [m/s]
        Points that are finite, in order of time, without the stretches below 1 % of the
        peak before and after the flow. Of points at one time the fastest is kept.

    Raises
    ------
    InvalidArgumentError
        If the mark is not on a spectrum.
    NotProvidedError
        If fewer than three points at different times are finite.

    Examples
    --------
    >>> points = np.array([(0.1, 0.0), (0.3, 0.0), (0.2, -0.9)])
    >>> trace = Mark("LVOT trace", "pulsed_wave", ("time", "velocity"), points)
    >>> time, velocity = traced_flow(trace)
    >>> time.tolist(), velocity.tolist()
    ([0.1, 0.2, 0.3], [0.0, -0.9, 0.0])
    """
    if mark.dims != ("time", "velocity"):
        raise InvalidArgumentError(
            f"Mark '{mark.label}': its points are {mark.dims}, but a flow is traced in "
            "('time', 'velocity')."
        )
    points = mark.points.reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    points = points[np.lexsort((-abs(points[:, 1]), points[:, 0]))]
    points = (
        points[np.append(True, np.diff(points[:, 0]) > 0)] if len(points) else points
    )
    if len(points) < 3:
        raise NotProvidedError(
            f"Mark '{mark.label}': {len(points)} finite points at different times, too "
            "few for a trace."
        )
    time, velocity = points.T.astype(np.float64)
    flowing = np.flatnonzero(abs(velocity) > 0.01 * abs(velocity).max())
    if not len(flowing):
        raise NotProvidedError(f"Mark '{mark.label}': nothing flows in its trace.")
    part = slice(max(flowing[0] - 1, 0), flowing[-1] + 2)
    return time[part], velocity[part]


def flow_period(
    envelope: Stream,
    beat: Beat,
    *,
    direction: int,
    threshold: float = 0.1,
    pauses: bool = False,
) -> tuple[FloatArray, FloatArray]:
    """Cut the strongest flow of one direction out of a beat.

    Parameters
    ----------
    envelope : Stream (time,) [m/s]
        Envelope of a spectrum, positive towards the probe.
    beat : (start, stop) [s]
        Where to look.
    direction : {1, -1}
        Towards the probe, or away from it.
    threshold : float
        Part of the peak at which the flow begins and ends.
    pauses : bool
        Go on over pauses to the first and last flow of the beat, as filling does from
        the E to the A wave.

    Returns
    -------
    time, velocity : (N,) [s], (N,) [m/s]
        The samples around the peak that are above the threshold, with one more on each
        side; velocities against the direction count as zero.

    Raises
    ------
    NotProvidedError
        If nothing flows in that direction, or the flow goes beyond the beat.

    Examples
    --------
    >>> time = np.arange(11) / 10
    >>> v = -np.array([0, 0, 40, 90, 50, 0, 0, -60, 0, -30, 0]) / 100
    >>> envelope = Stream("envelope", v, time, ("time",), "m/s")
    >>> flow_period(envelope, (0.0, 1.0), direction=-1)[1].tolist()
    [0.0, -0.4, -0.9, -0.5, 0.0]
    """
    part = envelope.between(*beat)
    speed = direction * np.nan_to_num(np.asarray(part.load(), np.float64))
    speed = np.maximum(speed, 0.0)
    if len(speed) < 3 or not speed.max() > 0:
        raise NotProvidedError(
            f"Stream '{envelope.name}': nothing flows "
            f"{'towards' if direction > 0 else 'away from'} the probe from "
            f"{beat[0]:.3f} to {beat[1]:.3f} s."
        )
    peak = int(speed.argmax())
    fast = np.flatnonzero(speed > threshold * speed[peak])
    first, last = (fast[0], fast[-1]) if pauses else (peak, peak)
    slow = np.setdiff1d(np.arange(len(speed)), fast)
    before, after = slow[slow < first], slow[slow > last]
    if not len(before) or not len(after):
        raise NotProvidedError(
            f"Stream '{envelope.name}': the flow that peaks at {part.time[peak]:.3f} s "
            "goes beyond the beat; its beginning or its end is not known."
        )
    cut = slice(int(before[-1]), int(after[0]) + 1)
    return part.time[cut], direction * speed[cut] + 0.0


def stroke_volume_ml(diameter: float, vti: float) -> float:
    """Return the stroke volume from the outflow tract.

    Parameters
    ----------
    diameter : float [m]
        Diameter of the outflow tract, taken for round.
    vti : float [m]
        Velocity-time integral in it.

    Returns
    -------
    float [mL]
        pi / 4 * d^2 * VTI.

    Raises
    ------
    InvalidArgumentError
        If one is not positive, or is not in metres.

    Examples
    --------
    >>> round(stroke_volume_ml(0.02, 0.2), 1)
    62.8
    """
    if not (0 < diameter < 0.1 and 0 < vti < 10):
        raise InvalidArgumentError(
            f"Stroke volume: a diameter of {diameter} m and a VTI of {vti} m are none "
            "of an outflow tract. Were they given in cm?"
        )
    return 1e6 * math.pi / 4 * diameter**2 * vti
