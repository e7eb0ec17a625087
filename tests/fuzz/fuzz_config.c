/*
 * Configuration files: whatever they hold, there are settings or complaints; what is in effect is
 * written so that it is read back to the same.
 */
#include "fuzz.h"

#include "config/check.h"
#include "config/ini.h"
#include "config/settings.h"

struct reading {
	struct settings settings;
	struct complaints complaints;
};

static void reading_init(struct reading *reading, const void *text, size_t len)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, len, "r");

	CHECK(in);
	complaints_init(&reading->complaints);
	settings_init(&reading->settings);
	ini_load_stream(&reading->settings, in, "test.ini", &reading->complaints);
	settings_complete(&reading->settings);
	if (reading->complaints.sentences.count == 0)
		check_settings(&reading->settings, &reading->complaints);
	fclose(in);
}

static void reading_fini(struct reading *reading)
{
	settings_fini(&reading->settings);
	complaints_fini(&reading->complaints);
}

static char *write_effect(const struct settings *settings, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	CHECK(out);
	ini_write(settings, out);
	CHECK(fclose(out) == 0);
	return text;
}

static void check_effect(const struct settings *settings)
{
	size_t len, again_len;
	char *text = write_effect(settings, &len);
	struct reading again;
	char *again_text;

	reading_init(&again, text, len);
	if (again.complaints.sentences.count > 0)
		fprintf(stderr, "%s\n----\n%s", again.complaints.sentences.items[0], text);
	CHECK(again.complaints.sentences.count == 0);
	again_text = write_effect(&again.settings, &again_len);
	if (strcmp(text, again_text) != 0)
		fprintf(stderr, "%s\n----\n%s", text, again_text);
	CHECK(strcmp(text, again_text) == 0);
	free(text);
	free(again_text);
	reading_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct reading reading;

	/* fmemopen(3) has no empty files. */
	if (len == 0)
		return 0;
	reading_init(&reading, bytes, len);
	if (reading.complaints.sentences.count == 0)
		check_effect(&reading.settings);
	reading_fini(&reading);
	return 0;
}
