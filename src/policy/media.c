#include "policy/media.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *extension;
	const char *type;
} known[] = {
	{"html", "text/html"},
	{"htm", "text/html"},
	{"xhtml", "application/xhtml+xml"},
	{"css", "text/css"},
	{"js", "text/javascript"},
	{"mjs", "text/javascript"},
	{"json", "application/json"},
	{"map", "application/json"},
	{"webmanifest", "application/manifest+json"},
	{"wasm", "application/wasm"},
	{"xml", "application/xml"},
	{"atom", "application/atom+xml"},
	{"rss", "application/rss+xml"},
	{"txt", "text/plain"},
	{"md", "text/markdown"},
	{"csv", "text/csv"},
	{"ics", "text/calendar"},
	{"vcf", "text/vcard"},
	{"png", "image/png"},
	{"jpg", "image/jpeg"},
	{"jpeg", "image/jpeg"},
	{"gif", "image/gif"},
	{"svg", "image/svg+xml"},
	{"webp", "image/webp"},
	{"avif", "image/avif"},
	{"ico", "image/vnd.microsoft.icon"},
	{"bmp", "image/bmp"},
	{"tif", "image/tiff"},
	{"tiff", "image/tiff"},
	{"woff", "font/woff"},
	{"woff2", "font/woff2"},
	{"ttf", "font/ttf"},
	{"otf", "font/otf"},
	{"mp3", "audio/mpeg"},
	{"m4a", "audio/mp4"},
	{"ogg", "audio/ogg"},
	{"opus", "audio/ogg"},
	{"flac", "audio/flac"},
	{"wav", "audio/wav"},
	{"mp4", "video/mp4"},
	{"m4v", "video/mp4"},
	{"webm", "video/webm"},
	{"ogv", "video/ogg"},
	{"mov", "video/quicktime"},
	{"pdf", "application/pdf"},
	{"epub", "application/epub+zip"},
	{"zip", "application/zip"},
	{"gz", "application/gzip"},
};

const char *media_type(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	/* A dot in front hides a file, and begins no extension. */
	for (size_t i = 0; dot > name && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(dot + 1, known[i].extension) == 0)
			return known[i].type;
	return "application/octet-stream";
}
