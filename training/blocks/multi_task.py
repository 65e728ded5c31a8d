"""A shared trunk with one branch per task: the shape of every network in `training.nets`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from engines.card import LABELS


class MultiTaskNet(nn.Module):
    """Shared features of a face, read by one branch per task.

    Attributes:
        trunk: Image float (N, C, H, W) -> features, float (N, F) or (N, F, h, w), shared by all tasks.
        branches: Task -> module from the features to logits, float (N, classes of the task).
        training_heads: Name -> module on the features that only training reads (domain head, map onto a teacher's
            features); they answer in training mode alone and are not exported.
    """

    def __init__(self, trunk: nn.Module, branches: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.trunk = trunk
        self.branches = nn.ModuleDict(dict(branches))
        self.training_heads = nn.ModuleDict()

    def features(self, image: Tensor) -> Tensor:
        """Return the shared features of float (N, C, H, W) images, normalised by `engines.preprocess`."""
        features: Tensor = self.trunk(image)
        return features

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return task -> logits, float (N, classes of the task); in training mode the training heads' answers too."""
        features = self.features(image)
        answers = {task: branch(features) for task, branch in self.branches.items()}
        if self.training:
            answers |= {name: head(features) for name, head in self.training_heads.items()}
        return answers

    def embedding(self, image: Tensor, task: str) -> Tensor:
        """Return a task's embedding of faces: the activations before its last linear layer, float (N, E).

        Georgescu et al.: Teacher-student training and triplet loss to reduce the effect of drastic face occlusion, 2021,
        section 3.2. Dropout just before the last layer is left out, so that two networks in training mode can be
        compared.

        Args:
            image: float (N, C, H, W), normalised by `engines.preprocess`.
            task: A key of `branches`.

        Raises:
            ValueError: The branch ends with no linear layer.
        """
        return self._embedded(self.features(image), task)

    def embeddings(self, image: Tensor) -> dict[str, Tensor]:
        """Return task -> embedding, float (N, E of the task), of all tasks from one pass through the trunk."""
        features = self.features(image)
        return {task: self._embedded(features, task) for task in self.branches}

    def logits_of(self, embedding: Tensor, task: str) -> Tensor:
        """Return the logits, float (N, classes), that a task's last layer gives for its `embedding`."""
        logits: Tensor = _split(self.branches[task])[1](embedding)
        return logits

    def logits_layer(self, task: str) -> nn.Linear:
        """Return the last linear layer of a task's branch, which reads its embedding."""
        layer = _split(self.branches[task])[1][-1]
        assert isinstance(layer, nn.Linear)
        return layer

    def _embedded(self, features: Tensor, task: str) -> Tensor:
        embedding: Tensor = _split(self.branches[task])[0](features)
        return embedding

    def shared_weight(self) -> nn.Parameter:
        """Return the last weight of the trunk, where the tasks' gradients meet (GradNorm's W, Chen et al. 2018)."""
        return [weight for weight in self.trunk.parameters() if weight.ndim > 1][-1]


def _split(branch: nn.Module) -> tuple[nn.Sequential, nn.Sequential]:
    """Return what a branch does up to its embedding, and what it does from there: dropout and the last linear layer."""
    layers = list(branch) if isinstance(branch, nn.Sequential) else [branch]
    if isinstance(layers[-1], nn.Sequential):
        before, last = _split(layers[-1])
        return nn.Sequential(*layers[:-1], *before), last
    if not isinstance(layers[-1], nn.Linear):
        raise ValueError(f"branch: expected a linear layer at its end, found {layers[-1]}")
    end = len(layers) - 1
    while end and isinstance(layers[end - 1], nn.Dropout):
        end -= 1
    return nn.Sequential(*layers[:end]), nn.Sequential(*layers[end:])


def task_classes(classes: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return task -> number of classes; all tasks of `engines.card.LABELS` unless given."""
    return dict(classes or {task: len(labels) for task, labels in LABELS.items()})


def parameter_count(net: nn.Module) -> int:
    """Return the number of trainable numbers."""
    return sum(parameter.numel() for parameter in net.parameters() if parameter.requires_grad)
