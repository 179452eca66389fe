import torch

from models.architecture import DETECTOR_STRIDE
from models.detector import fold_detector
from models.registry import MODELS, PERSON_DETECTOR


def test_the_folded_form_is_equal() -> None:
    torch.manual_seed(0)
    network = PERSON_DETECTOR.build()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)  # type: ignore[arg-type]
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)  # type: ignore[arg-type]
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    torch.nn.init.normal_(network.centre.weight, 0, 0.1)
    torch.nn.init.normal_(network.reach.weight, 0, 0.01)
    network.eval()
    pictures = torch.rand(2, 3, 96, 160)
    with torch.inference_mode():
        plain, folded = network(pictures), fold_detector(network)(pictures)
    assert plain.shape == (2, 5, 96 // DETECTOR_STRIDE, 160 // DETECTOR_STRIDE)
    torch.testing.assert_close(folded, plain, rtol=1e-3, atol=1e-4)
    assert (plain[:, 1:] > 0).all()


def test_its_encoder_is_the_pose_networks() -> None:
    pose = MODELS["mobileposenet-256x192"].build().state_dict()
    own = PERSON_DETECTOR.build().state_dict()
    encoder = {name for name in own if name.startswith(("stem.", "encoder."))}
    assert {name for name in pose if name.startswith(("stem.", "encoder."))} == encoder
    assert all(pose[name].shape == own[name].shape for name in encoder)
