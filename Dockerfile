# Two ways to the same image:
#
#   docker build -t tombstone .                                    builds the binary in a Go image
#   make build && docker build --target prebuilt -t tombstone .    takes bin/tombstone, pulls nothing
#
# The data is in /data. Without credentials in TOMBSTONE_* or MINIO_ROOT_* the
# server makes a random key pair at its first start and prints it. Every setting of
# docs/operations.md can be given by a flag, a variable, or a file that
# TOMBSTONE_CONFIG names; "server /data --console-address :9001", as compose files
# have it for MinIO, is understood. The probe finds out by itself whether the server
# speaks TLS. Address and folder are set by variables here, which outrank the file;
# give another port by TOMBSTONE_ADDRESS, where the probe sees it. From another
# machine /_/metrics is read with TOMBSTONE_METRICS_PUBLIC=true.

ARG GO_VERSION=1.26

FROM scratch AS base
# The working directory is made by the user named before it, so that a fresh
# volume on /data belongs to the server.
USER 65532:65532
# Where a server in memory keeps the certificate it made.
WORKDIR /tmp
WORKDIR /data
VOLUME /data
EXPOSE 9000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/tombstone", "health"]
ENV TOMBSTONE_ADDRESS=0.0.0.0:9000 TOMBSTONE_DATA=/data
ENTRYPOINT ["/tombstone"]

FROM base AS prebuilt
COPY bin/tombstone /tombstone

FROM golang:${GO_VERSION} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /tombstone ./cmd/server

FROM base
COPY --from=build /tombstone /tombstone
