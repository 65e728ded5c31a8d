"""The contract of every back end, kept by the TensorRT one on a GPU that is not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")
from tests.engines.test_backends import (  # noqa: F401
    load,
    test_a_corrupt_file_gives_one_line,
    test_a_cut_off_file_gives_an_engine_error,
    test_a_fixed_batch_size_gives_a_card_error,
    test_a_head_keeps_its_own_output,
    test_a_missing_output_gives_a_card_error,
    test_a_reused_buffer_is_read_anew,
    test_a_senseless_number_of_threads_is_refused,
    test_an_output_of_another_shape_gives_a_card_error,
    test_another_input_gives_a_card_error,
    test_every_batch_size_gives_onnx_runtime_s_numbers,
    test_it_is_refused_before_loading_and_after_closing,
    test_it_runs_on_another_thread_than_it_was_loaded_on,
    test_only_the_card_s_outputs_are_given,
    test_other_inputs_work,
    test_spaces_other_letters_and_read_only_files_do_no_harm,
    test_the_batch_is_left_alone_and_may_be_read_only,
    test_the_description_names_library_and_device,
    test_the_outputs_are_the_caller_s_own,
)


@pytest.fixture(params=["tensorrt_rtx", "tensorrt"])
def name(request: pytest.FixtureRequest, fake_machine: Callable[..., object]) -> str:
    fake_machine(request.param)
    return "tensorrt"
