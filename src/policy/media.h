#ifndef POLICY_MEDIA_H
#define POLICY_MEDIA_H

/*
 * The media type of a file that nobody else names one for, by the extension of its name (either
 * case): what web sites are made of. All else is application/octet-stream, which a browser saves.
 */
const char *media_type(const char *path);

#endif
