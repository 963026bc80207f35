"""Pipelines of diffusers with few, random weights: `python -m support.tiny_pipelines FOLDER`.

Each kind becomes a folder like those that are downloaded: loading, steps, seeds, progress and cancel
run the code that a full-size model runs, in seconds on a processor. The pictures are noise.
"""

import json
import sys
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLFlux2,
    AutoencoderKLQwenImage,
    AutoencoderKLWan,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    QwenImageEditPlusPipeline,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
    WanPipeline,
    WanTransformer3DModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
)

from support.tiny_processor import TinyProcessor

VISION_WORDS = ("vision_start", "vision_end", "image_pad", "video_pad", "vision_pad")
WORDS = [
    *(f"<|{word}|>" for word in ("endoftext", "im_start", "im_end", *VISION_WORDS)),
    "<think>",
    "</think>",
]
TALK = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
#: The bytes come first in the vocabulary, then the words.
FIRST_WORD = 256
VOCABULARY = FIRST_WORD + len(WORDS)
HEADS = {"num_attention_heads": 2, "num_key_value_heads": 2}
SMALL = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, **HEADS}


def tokenizer() -> PreTrainedTokenizerFast:
    """A token for each byte, and the words that chats are made of."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytewise = Tokenizer(models.BPE(vocab={one: n for n, one in enumerate(letters)}, merges=[]))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    bytewise.add_special_tokens(WORDS)
    return PreTrainedTokenizerFast(
        tokenizer_object=bytewise,
        chat_template=TALK,
        pad_token=WORDS[0],
        unk_token=WORDS[0],
        eos_token=WORDS[2],
    )


def qwen3_config(layers: int = 2) -> Qwen3Config:
    sizes = {**SMALL, "num_hidden_layers": layers}
    return Qwen3Config(**sizes, vocab_size=VOCABULARY, max_position_embeddings=2048)


def z_image() -> ZImagePipeline:
    transformer = ZImageTransformer2DModel(
        dim=32,
        n_layers=1,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[8, 4, 4],
        axes_lens=[1024, 256, 256],
    )
    with torch.no_grad():  # left as they are in memory by the constructor
        transformer.x_pad_token.zero_()
        transformer.cap_pad_token.zero_()
    return ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKL(
            down_block_types=["DownEncoderBlock2D"] * 4,
            up_block_types=["UpDecoderBlock2D"] * 4,
            block_out_channels=[8, 8, 8, 8],
            latent_channels=16,
            norm_num_groups=4,
            scaling_factor=0.36,
            shift_factor=0.12,
        ),
        text_encoder=Qwen3Model(qwen3_config()),
        tokenizer=tokenizer(),
        transformer=transformer,
    )


def flux_2_klein() -> Flux2KleinPipeline:
    # the encoder is asked for what its layers 9, 18 and 27 say, which the transformer gets side by side
    return Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=AutoencoderKLFlux2(
            down_block_types=["DownEncoderBlock2D"] * 4,
            up_block_types=["UpDecoderBlock2D"] * 4,
            block_out_channels=[8, 8, 8, 8],
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=4,
        ),
        text_encoder=Qwen3ForCausalLM(qwen3_config(layers=28)),
        tokenizer=tokenizer(),
        transformer=Flux2Transformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=48,
            axes_dims_rope=[4, 4, 4, 4],
            guidance_embeds=False,
        ),
        is_distilled=True,
    )


def qwen_parts() -> dict[str, object]:
    """What the two pipelines of Qwen have in common."""
    eyes = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2}
    turning = {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1e6}
    words = {f"{word}_token_id": FIRST_WORD + 3 + n for n, word in enumerate(VISION_WORDS)}
    reader = Qwen2_5_VLConfig(
        text_config={
            **SMALL,
            "vocab_size": VOCABULARY,
            "max_position_embeddings": 4096,
            "rope_parameters": turning,
        },
        vision_config={**eyes, "out_hidden_size": 16},
        vision_start_token_id=words["vision_start_token_id"],
        vision_end_token_id=words["vision_end_token_id"],
        image_token_id=words["image_pad_token_id"],
        video_token_id=words["video_pad_token_id"],
        vision_token_id=words["vision_pad_token_id"],
    )
    return {
        "scheduler": FlowMatchEulerDiscreteScheduler(),
        "vae": AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=4,
            num_res_blocks=1,
            temperal_downsample=[False, True, True],
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        ),
        "text_encoder": Qwen2_5_VLForConditionalGeneration(reader),
        "tokenizer": tokenizer(),
        "transformer": QwenImageTransformer2DModel(
            in_channels=16,
            out_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
        ),
    }


def qwen_image() -> QwenImagePipeline:
    return QwenImagePipeline(**qwen_parts())


def qwen_image_edit_plus() -> QwenImageEditPlusPipeline:
    parts = qwen_parts()
    return QwenImageEditPlusPipeline(**parts, processor=TinyProcessor(parts["tokenizer"]))


def wan() -> WanPipeline:
    return WanPipeline(
        tokenizer=tokenizer(),
        text_encoder=T5EncoderModel(
            T5Config(vocab_size=VOCABULARY, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
        ),
        vae=AutoencoderKLWan(
            base_dim=4, z_dim=16, num_res_blocks=1, temperal_downsample=[False, True, True]
        ),
        transformer=WanTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=12,
            text_dim=16,
            freq_dim=32,
            ffn_dim=16,
            num_layers=1,
            rope_max_seq_len=256,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=5.0),
    )


KINDS = (z_image, flux_2_klein, qwen_image, qwen_image_edit_plus, wan)


def save_all(folder: Path) -> None:
    """One folder for each kind below `folder`, named as the function that builds it."""
    for build in KINDS:
        torch.manual_seed(0)
        build().save_pretrained(folder / build.__name__)
    # the processor that full-size models name; a painter of `tiny_processor` uses the tiny one
    index = folder / "qwen_image_edit_plus" / "model_index.json"
    facts = json.loads(index.read_text(encoding="utf-8"))
    facts["processor"] = ["transformers", "Qwen2VLProcessor"]
    index.write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    save_all(Path(sys.argv[1]))
