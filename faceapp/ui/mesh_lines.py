"""Which mesh points the drawn contours join: lips, eyes, brows, irises, nose and the face's outline."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_CONTOURS = (
    "10 109 67 103 54 21 162 127 234 93 132 58 172 136 150 149 176 148 152 377 400 378 379 365 397 288 361 "
    "323 454 356 389 251 284 332 297 338 10",
    "0 37 39 40 185 61 146 91 181 84 17 314 405 321 375 291 409 270 269 267 0",
    "13 82 81 80 191 78 95 88 178 87 14 317 402 318 324 308 415 310 311 312 13",
    "249 263 466 388 387 386 385 384 398 362 382 381 380 374 373 390 249",
    "7 33 246 161 160 159 158 157 173 133 155 154 153 145 144 163 7",
    "276 283 282 295 285 336 296 334 293 300 276",
    "46 53 52 65 55 107 66 105 63 70 46",
    "474 475 476 477 474",
    "469 470 471 472 469",
    "168 6 197 195 5 4 1 19 94 2",
    "48 64 98 97 2 326 327 294 278",
)
CONTOURS: tuple[npt.NDArray[np.intp], ...] = tuple(
    np.array(line.split(), dtype=np.intp) for line in _CONTOURS
)
"""Indices into the 478 landmarks, one array a line."""
