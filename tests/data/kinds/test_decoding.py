import numpy as np
import pytest
from PIL import Image

from l2rw.data.kinds.decoding import Picture, decode, decode_all
from l2rw.data.kinds.problems import UnreadableError

from .conftest import paint

COLOUR, GREY = Picture(8, False, "crop"), Picture(8, True, "crop")


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp", "gif", "ppm"])
def test_formats_without_loss_of_the_right_size_are_read_pixel_by_pixel(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    mode = "L" if suffix == "gif" else "RGB"
    path = paint(tmp_path / f"a.{suffix}", 3, size=(8, 8), mode=mode, **options)
    pixels = np.random.default_rng(3).integers(
        256, size=(8, 8) if mode == "L" else (8, 8, 3), dtype=np.uint8
    )
    read = decode(path, COLOUR if mode == "RGB" else GREY)
    assert np.array_equal(read, pixels.transpose(2, 0, 1) if mode == "RGB" else pixels[None])


def halves(path, size, **options):
    """Write an image whose left half is black and whose right half is white."""
    pixels = np.zeros((size[1], size[0]), dtype=np.uint8)
    pixels[:, size[0] // 2 :] = 255
    Image.fromarray(pixels).save(path, **options)
    return path


def test_crop_pad_and_stretch_do_as_they_say(tmp_path):
    path = halves(tmp_path / "wide.png", (64, 16))
    crop, pad, stretch = (
        decode(path, Picture(16, True, fit))[0] for fit in ("crop", "pad", "stretch")
    )
    assert (crop[:, :7] == 0).all()
    assert (crop[:, 9:] == 255).all()
    assert (stretch[:, :6] == 0).all()
    assert (stretch[:, 10:] == 255).all()
    assert (pad[:5] == 0).all()
    assert (pad[11:] == 0).all()
    assert (pad[7:9, 9:] == 255).all()


def test_large_images_are_smoothed_and_jpeg_at_part_of_its_size_is_nearly_as_well(tmp_path):
    checks = np.indices((512, 512)).sum(0) % 2 * 255
    Image.fromarray(checks.astype(np.uint8)).save(tmp_path / "checks.png")
    assert np.abs(decode(tmp_path / "checks.png", GREY).astype(int) - 127).max() <= 2
    gradient = np.tile(np.arange(512) // 2, (512, 1)).astype(np.uint8)
    Image.fromarray(gradient).save(tmp_path / "g.jpg", quality=95)
    Image.fromarray(gradient).save(tmp_path / "g.png")
    one, two = (decode(tmp_path / f"g.{s}", GREY).astype(int) for s in ("jpg", "png"))
    assert np.abs(one - two).max() <= 3


def test_exif_turns_an_image_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise
    path = halves(tmp_path / "turned.png", (16, 16), exif=exif)
    turned = decode(path, Picture(16, True, "stretch"))[0]
    assert (turned[:7] == 0).all()
    assert (turned[9:] == 255).all()


def test_what_is_transparent_becomes_white(tmp_path):
    Image.new("RGBA", (8, 8), (200, 0, 0, 0)).save(tmp_path / "a.png")
    Image.new("RGBA", (8, 8), (200, 0, 0, 255)).save(tmp_path / "b.png")
    assert (decode(tmp_path / "a.png", COLOUR) == 255).all()
    assert (decode(tmp_path / "b.png", COLOUR)[0] == 200).all()
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([10, 20, 30] * 256)
    palette.save(tmp_path / "c.png", transparency=0)
    assert (decode(tmp_path / "c.png", COLOUR) == 255).all()


def test_sixteen_bits_become_eight(tmp_path):
    wide = (np.arange(64, dtype=np.uint16) * 1024).reshape(8, 8)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert np.array_equal(decode(tmp_path / "wide.png", GREY)[0], wide >> 8)


def test_all_that_cannot_be_read_is_named_and_threads_keep_the_order(tmp_path):
    files = [paint(tmp_path / f"{n}.png", n, size=(8, 8)) for n in range(200)]
    whole = decode_all(files, COLOUR, "test")
    assert all(np.array_equal(whole[n], decode(files[n], COLOUR)) for n in (0, 63, 64, 199))
    files[5].write_bytes(b"no image")
    files[70].write_bytes(files[70].read_bytes()[:60])
    files[199].unlink()
    with pytest.raises(UnreadableError) as failure:
        decode_all(files, COLOUR, "test")
    assert list(failure.value.reasons) == [5, 70, 199]
    assert "UnidentifiedImageError" in failure.value.reasons[5]


def test_fractions_as_pixels_are_refused(tmp_path):
    Image.fromarray(np.ones((8, 8), dtype=np.float32)).save(tmp_path / "f.tiff")
    with pytest.raises(UnreadableError, match="fractions"):
        decode_all([tmp_path / "f.tiff"], GREY, "test")
