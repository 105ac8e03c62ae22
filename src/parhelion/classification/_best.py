"""The weights to keep: those that validation liked best."""

from typing import Any

from torch import nn


class Best:
    """The weights with the highest validation macro F1 so far, and how long ago that was."""

    def __init__(self, model: nn.Module) -> None:
        self.weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.score = (-1.0, 0.0)
        self.images = 0
        self.waited = 0

    def offer(self, model: nn.Module, f1: float, loss: float, images: int) -> None:
        """Take the model's weights if it is the best so far; else count the wait.

        A lower loss decides between equal F1, which a small validation part often gives, but
        does not end the wait.
        """
        self.waited = 0 if f1 > self.score[0] else self.waited + 1
        if (f1, -loss) > self.score:
            self.score, self.images = (f1, -loss), images
            self.weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        return {
            "weights": self.weights,
            "score": list(self.score),
            "images": self.images,
            "waited": self.waited,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.weights = state_dict["weights"]
        self.score = (state_dict["score"][0], state_dict["score"][1])
        self.images = state_dict["images"]
        self.waited = state_dict["waited"]
