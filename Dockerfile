# mpn on CPU cores:
#   docker build -t mpn .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD/photos:/data:ro" -v "$PWD/out:/out" mpn
# Other commands: docker run --rm ... mpn eval /out --gt /data/people.json
FROM python:3.11-slim

RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY constraints constraints
COPY mpn_cli mpn_cli
COPY models models
COPY nms_backends nms_backends
RUN uv pip install --system --no-cache --torch-backend cpu \
        -c constraints/users.txt -c constraints/torch.txt . \
    && rm -rf /src

# Any user may run it: forms of networks are cached here, or in a temporary folder.
ENV XDG_CACHE_HOME=/cache
RUN mkdir -m 1777 /cache
WORKDIR /
ENTRYPOINT ["mpn"]
CMD ["annotate", "/data", "-o", "/out"]
