# FixedNet in a container: docker build -t fixednet . && docker run --rm -v "$PWD:/data" fixednet train --checkpoint
FROM swift:6.2-bookworm AS build
WORKDIR /source
COPY . .
RUN apt-get update && apt-get install -y --no-install-recommends make && make install PREFIX=/opt/fixednet

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
      ca-certificates gnuplot-nox libcurl4 libhdf5-103-1 libisal2 libjpeg62-turbo libmatio11 libpng16-16 libssl3 zlib1g && \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/fixednet /opt/fixednet
ENV PATH=/opt/fixednet/bin:$PATH
WORKDIR /data
ENTRYPOINT ["fixednet"]
