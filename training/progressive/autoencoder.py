"""The networks of the BEGAN: encoder and decoder, which make the discriminator, and the generator.

Barros, Fliesswasser, Kerzel, Wermter: Exploring low-level and high-level transfer learning for multi-task facial
recognition with a semi-supervised neural network, 2019, tables I and II; after Berthelot, Schumm, Metz: BEGAN, 2017.

Encoder, image (N, 1, S, S), with S = 128 in the paper: two 3x3 convolutions of 64 filters (N, 64, S, S) and one of
stride 2; two of 128 and one of stride 2; three of 128 and one of stride 2; three of 256: the maps (N, 256, S/8, S/8)
that the columns read; a fully connected layer: the latent vector (N, 128). Decoder and generator, latent (N, 128): a
fully connected layer to (N, 16, S/16, S/16), two convolutions of 16, twice the side, two convolutions, twice the side,
three, twice the side, three, twice the side, and one convolution to (N, 1, S, S).

The tables name no activation: we take ELU, as Berthelot et al. The tables' rows of the decoder's first up-sampling and
last layer contradict the sides beside them; we read them so that 8 becomes 128 in four doublings, and the one channel of
the last row is a 3x3 convolution. The sides follow S, and the numbers of filters can be set.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class EncoderSettings:
    """Sizes of the networks.

    Attributes:
        size: Side of the picture in pixels, a multiple of 16 (paper: 128).
        filters: Of the encoder's four blocks.
        latent: Numbers that stand for a face.
        decoder_filters: Of the decoder's and generator's convolutions.
    """

    size: int = 64
    filters: tuple[int, ...] = (64, 128, 128, 256)
    latent: int = 128
    decoder_filters: int = 16

    def __post_init__(self) -> None:
        object.__setattr__(self, "filters", tuple(self.filters))
        if self.size < 16 or self.size % 16:
            raise ValueError(f"encoder.size: expected a multiple of 16, found {self.size}")
        if len(self.filters) != 4 or min(self.filters) < 2:
            raise ValueError(
                f"encoder.filters: expected four numbers of at least 2, found {list(self.filters)}"
            )
        if min(self.latent, self.decoder_filters) < 1:
            raise ValueError(
                f"encoder.latent, encoder.decoder_filters: expected at least 1, found {self.latent}, {self.decoder_filters}"
            )

    @property
    def side(self) -> int:
        """Side of the maps that the columns read."""
        return self.size // 8


class Encoder(nn.Module):
    """Table I.

    Args:
        settings: Sizes.
    """

    def __init__(self, settings: EncoderSettings) -> None:
        super().__init__()
        self.settings = settings
        first, second, third, fourth = settings.filters
        self.blocks = nn.Sequential(
            *_convolutions(1, first, 2),
            *_convolutions(first, first, 1, stride=2),
            *_convolutions(first, second, 2),
            *_convolutions(second, second, 1, stride=2),
            *_convolutions(second, third, 3),
            *_convolutions(third, third, 1, stride=2),
            *_convolutions(third, fourth, 3),
        )
        self.latent = nn.Linear(fourth * settings.side**2, settings.latent)

    def maps(self, image: Tensor) -> Tensor:
        """Return what the columns read, float (N, filters, S/8, S/8), of float (N, 1, S, S) images."""
        found: Tensor = self.blocks(image)
        return found

    def forward(self, image: Tensor) -> Tensor:
        """Return the latent vectors, float (N, latent), of float (N, 1, S, S) images."""
        latent: Tensor = self.latent(self.maps(image).flatten(1))
        return latent


class Decoder(nn.Module):
    """Table II: the discriminator's decoder, and the generator.

    Args:
        settings: Sizes.
    """

    def __init__(self, settings: EncoderSettings) -> None:
        super().__init__()
        width = settings.decoder_filters
        self.entry = nn.Linear(settings.latent, width * (settings.size // 16) ** 2)
        self.unflatten = nn.Unflatten(1, (width, settings.size // 16, settings.size // 16))
        blocks = [
            nn.Sequential(*_convolutions(width, width, count), nn.Upsample(scale_factor=2))
            for count in (2, 2, 3, 3)
        ]
        self.blocks = nn.Sequential(*blocks, nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, latent: Tensor) -> Tensor:
        """Return images, float (N, 1, S, S), of float (N, latent) vectors."""
        image: Tensor = self.blocks(self.unflatten(self.entry(latent)))
        return image


class Began(nn.Module):
    """Discriminator (encoder and decoder) and generator.

    Args:
        settings: Sizes.
    """

    def __init__(self, settings: EncoderSettings) -> None:
        super().__init__()
        self.settings = settings
        self.discriminator = nn.Sequential()
        self.discriminator.encoder = Encoder(settings)
        self.discriminator.decoder = Decoder(settings)
        self.generator = Decoder(settings)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                # PyTorch's own start makes signals weaker from layer to layer: after two epochs the generator's faces
                # differed from one another by 0.005, real ones by 0.876 (deviation of a pixel).
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def noise(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Return latent vectors to make faces from, float (count, latent), uniform from -1 to 1."""
        device = self.generator.entry.weight.device
        return 2 * torch.rand(count, self.settings.latent, device=device, generator=generator) - 1

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return "reconstruction", what the discriminator makes of float (N, 1, S, S) images."""
        return {"reconstruction": self.discriminator(image)}


def reconstruction_error(image: Tensor, rebuilt: Tensor) -> Tensor:
    """Return L(x) of each picture, float (N,): the mean absolute difference of its pixels.

    Args:
        image: float (N, 1, S, S).
        rebuilt: float (N, 1, S, S).
    """
    return (image.float() - rebuilt.float()).abs().flatten(1).mean(dim=1)


def _convolutions(entry: int, width: int, count: int, stride: int = 1) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for number in range(count):
        layers += [
            nn.Conv2d(entry if number == 0 else width, width, 3, stride, padding=1),
            nn.ELU(inplace=True),
        ]
    return layers
