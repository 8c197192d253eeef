package main

import (
	"fmt"
	"image"
	"image/color"
	"io"

	"github.com/boombuler/barcode/qr"
)

// quietZone is the white margin that a reader of QR codes needs, modules.
const quietZone = 2

// printQR prints a QR code of text for a terminal, black on white whatever its colours
// are, two modules in a character.
func printQR(w io.Writer, text string) error {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return err
	}
	size := code.Bounds().Dx()
	halves := map[[2]bool]string{{false, false}: " ", {true, false}: "▀", {false, true}: "▄", {true, true}: "█"}
	for y := -quietZone; y < size+quietZone; y += 2 {
		line := ""
		for x := -quietZone; x < size+quietZone; x++ {
			line += halves[[2]bool{dark(code, x, y), dark(code, x, y+1)}]
		}
		if _, err := fmt.Fprintf(w, "\x1b[30;107m%s\x1b[0m\n", line); err != nil {
			return err
		}
	}
	return nil
}

// dark reports whether a module is black; there are only white ones outside.
func dark(code image.Image, x, y int) bool {
	if !(image.Point{X: x, Y: y}).In(code.Bounds()) {
		return false
	}
	return color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 128
}
