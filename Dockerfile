# The pipeline with every package as requirements.lock pins it, PyTorch with CUDA among them.
#
#   docker build --tag l2rw .
#   docker run --rm --gpus all --user "$(id -u):$(id -g)" \
#     --volume "$PWD/results:/l2rw/results" --volume "$PWD/checkpoints:/l2rw/checkpoints" \
#     --volume "$PWD/logs:/l2rw/logs" --volume "$PWD/data:/l2rw/data" l2rw run config/config.yaml --yes
FROM python:3.12-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /l2rw
COPY requirements-uv.lock requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-uv.lock \
    && uv pip install --system --no-cache --require-hashes -r requirements.lock

COPY . .
RUN uv pip install --system --no-cache --no-deps --no-build-isolation -e . \
    && mkdir -p results checkpoints logs data .snakemake \
    && chmod -R a+rwX results checkpoints logs data .snakemake config workflow

# For users without a home folder in the image.
ENV HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib XDG_CACHE_HOME=/tmp/cache
ENTRYPOINT ["l2rw"]
CMD ["run", "config/demo.yaml"]
