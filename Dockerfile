# Two ways to the same image:
#
#   docker build -t tombstone .                                    builds the binary in a Go image
#   make build && docker build --target prebuilt -t tombstone .    takes bin/tombstone, pulls nothing
#
# The data is in /data. Without credentials in TOMBSTONE_* or MINIO_ROOT_* the
# server makes a random key pair at its first start and prints it.

ARG GO_VERSION=1.26

FROM scratch AS base
# The working directory is made by the user named before it, so that a fresh
# volume on /data belongs to the server.
USER 65532:65532
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
