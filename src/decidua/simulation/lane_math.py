"""Elementary functions that the compiler can turn into vector instructions.

A call of the C library would stop vectorisation, so exponential and logarithm are polynomials with the exponent
handled in the bits; both are right to about 1e-15 relative for finite arguments in the range of doubles.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
"""Zero-division tests would stop vectorisation; reassociation would break the rounding below."""

_Function = TypeVar("_Function", bound=Callable[..., Any])
compiled = cast(Callable[[_Function], _Function], njit(**OPTIONS))
instruction = cast(Callable[[_Function], Callable[..., Any]], intrinsic)

_ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it leaves the nearest whole number in the low bits
_LOG2_E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
# Chebyshev interpolation of exp on ± ln 2 / 2, degree 10: 3e-16 relative.
_EXP = (
    1.0,
    1.0000000000000067,
    0.5000000000000006,
    0.16666666666554408,
    0.04166666666657367,
    0.008333333385667215,
    0.0013888888932382733,
    0.00019841170271015158,
    2.480150443744661e-05,
    2.7640180579309945e-06,
    2.7626329381742813e-07,
)
_ONE = np.uint64(0x3FF0000000000000)
_HALF_BAND = np.uint64(0x3FE6A09E667F3BCD)  # bits of sqrt(1/2)
_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
_WHOLE = np.uint64(0x4330000000000000)  # bits of 2**52
_52 = np.uint64(52)


@instruction
def _bits(context: Any, x: Any) -> Any:
    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.uint64(types.float64), generate


@instruction
def _double(context: Any, x: Any) -> Any:
    def generate(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.uint64), generate


@compiled
def exp(x: float) -> float:
    """Return the exponential, for -700 to 700; beyond, of the nearer bound."""
    x = min(max(x, -700.0), 700.0)
    shifted = x * _LOG2_E + _ROUND
    n = shifted - _ROUND
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    p = _EXP[10]
    p = p * r + _EXP[9]
    p = p * r + _EXP[8]
    p = p * r + _EXP[7]
    p = p * r + _EXP[6]
    p = p * r + _EXP[5]
    p = p * r + _EXP[4]
    p = p * r + _EXP[3]
    p = p * r + _EXP[2]
    p = p * r + _EXP[1]
    p = p * r + _EXP[0]
    power: float = _double((_bits(shifted) << _52) + _ONE)
    return p * power


@compiled
def log(x: float) -> float:
    """Return the natural logarithm of a positive normal number."""
    moved = _bits(x) - _HALF_BAND + _ONE
    exponent: float = _double((moved >> _52) | _WHOLE) - 4503599627370496.0 - 1023.0
    m: float = _double((moved & _MANTISSA) + _HALF_BAND)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    p = 2 / 21
    p = p * z + 2 / 19
    p = p * z + 2 / 17
    p = p * z + 2 / 15
    p = p * z + 2 / 13
    p = p * z + 2 / 11
    p = p * z + 2 / 9
    p = p * z + 2 / 7
    p = p * z + 2 / 5
    p = p * z + 2 / 3
    return exponent * _LN2_HIGH + (s * (2.0 + z * p) + exponent * _LN2_LOW)


@compiled
def sqrt(x: float) -> float:
    """Return the square root."""
    return math.sqrt(x)


@compiled
def floor(x: float) -> float:
    """Return the largest whole number not above."""
    whole: float = np.floor(x)
    return whole


@compiled
def minimum(x: float, y: float) -> float:
    """Return the smaller."""
    return x if x < y else y


@compiled
def maximum(x: float, y: float) -> float:
    """Return the larger."""
    return x if x > y else y


@compiled
def step(x: float) -> float:
    """Return 1 for zero or more, else 0."""
    return 1.0 if x >= 0.0 else 0.0


@compiled
def where(condition: float, yes: float, no: float) -> float:
    """Return the second argument where the first is above one half, else the third."""
    return yes if condition > 0.5 else no


@compiled
def pos(x: float, width: float) -> float:
    """Return a smooth maximum of 0 and x."""
    return 0.5 * (x + math.sqrt(x * x + width * width))
