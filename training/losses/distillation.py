"""A student learns from a teacher's soft labels, for classes and for the age distribution alike.

Hinton, Vinyals, Dean: Distilling the knowledge in a neural network, 2015, section 2: with q(z) = softmax(z / tau),
L = tau^2 KL(q(teacher) || q(student)); tau^2 keeps the size of the gradient when tau changes.

Georgescu et al. (Teacher-student training and triplet loss to reduce the effect of drastic face occlusion, 2021, equations 1
and 2) write the cross-entropy of q(teacher) and q(student), with no tau^2, into L = lambda CE(q(t), q(s)) + (1 - lambda)
CE(y, softmax(s)). The cross-entropy differs from KL by the teacher's entropy alone: the gradient is the same, but KL is 0
where the student has learned everything. `squared_temperature=False` leaves out tau^2: then lambda times this loss plus
(1 - lambda) times the loss of the labels is equation 1 but for that constant.

Probabilities p serve as well as logits, because softmax(log(p) / tau) = softmax(z / tau); so the mean over several
teachers and transforms is a teacher too.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.losses import MaskedLoss

Given = Literal["probabilities", "logits"]

_LEAST_PROBABILITY = 1e-8
"""Below the least number of a stored float16: a class that was rounded to 0 stays a finite logit."""


class DistillationLoss(MaskedLoss):
    """tau^2 KL(teacher || student) of the pictures with a soft label; exactly 0, with gradient 0, where none has.

    Args:
        temperature: tau, above 0; above 1 shows more of what the teacher thinks of the other classes.
        given: What the teacher's rows hold.
        squared_temperature: Multiply by tau^2, as Hinton et al. do; False is Georgescu et al. 2021.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(
        self, temperature: float = 2.0, given: Given = "probabilities", squared_temperature: bool = True
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"temperature: expected above 0, found {temperature!r}")
        if given not in get_args(Given):
            raise ValueError(f"given: expected {', '.join(get_args(Given))}, found {given!r}")
        self.temperature = temperature
        self.given = given
        self.factor = temperature**2 if squared_temperature else 1.0

    def per_image(self, logits: Tensor, *labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return each picture's loss, float (N,), and whether it has a soft label, bool (N,).

        Args:
            logits: float (N, C), the student's.
            labels: One tensor, float (N, C): the teacher's probabilities or logits; a row of NaN has no label.
        """
        (teacher,) = labels
        labelled = ~teacher.isnan().any(dim=1)
        known = torch.where(labelled[:, None], teacher.float(), 1.0)
        teacher_logits = known.clamp(min=_LEAST_PROBABILITY).log() if self.given == "probabilities" else known
        wanted = functional.softmax(teacher_logits / self.temperature, dim=1)
        said = functional.log_softmax(logits.float() / self.temperature, dim=1)
        divergence = -torch.special.entr(wanted).sum(dim=1) - (wanted * said).sum(dim=1)
        return self.factor * divergence, labelled


def example() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return the loss with inputs it accepts."""
    generator = torch.Generator().manual_seed(1)
    teacher = torch.randn(6, 8, generator=generator).softmax(dim=1)
    teacher[1::3] = torch.nan
    return DistillationLoss(), (torch.randn(6, 8, generator=generator), teacher)
