/*
 * authorizer: a FastCGI authorizer that decides as the client's header X-Auth says; the table below
 * tells what there is. Anything else is refused.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgiapp.h>

enum { LONG_HEAD_LINES = 2000 };

static void allow(FCGX_Request *request)
{
	FCGX_FPrintF(request->out,
		     "Status: 200\r\nVariable-REMOTE_USER: joe\r\nVariable-CONTENT_LENGTH: 1\r\n"
		     "Variable-HTTP_X_AUTH: seen\r\n\r\nnobody sees this");
}

static void allow_without_status(FCGX_Request *request)
{
	FCGX_FPrintF(request->out, "X-Other: 1\r\n\r\n");
}

static void deny(FCGX_Request *request)
{
	FCGX_FPrintF(request->err, "denied by the authorizer\n");
	FCGX_FPrintF(request->out,
		     "Status: 401 No\r\nWWW-Authenticate: Basic realm=x\r\nVariable-SECRET: 1\r\n"
		     "X-Sendfile: /etc/passwd\r\nContent-Type: text/plain\r\n\r\nwho are you?\n");
}

static void redirect(FCGX_Request *request)
{
	FCGX_FPrintF(request->out, "Location: http://127.0.0.1/login\r\n\r\n");
}

static void say_nothing(FCGX_Request *request)
{
	(void)request;
}

static void say_no_head(FCGX_Request *request)
{
	FCGX_FPrintF(request->out, "\r\n");
}

static void say_garbage(FCGX_Request *request)
{
	FCGX_FPrintF(request->out, "this is no head\r\n\r\n");
}

static void say_too_much(FCGX_Request *request)
{
	for (int i = 0; i < LONG_HEAD_LINES; i++)
		FCGX_FPrintF(request->out, "X-Line-%d: %060d\r\n", i, i);
	FCGX_FPrintF(request->out, "\r\n");
}

static void die(FCGX_Request *request)
{
	(void)request;
	_exit(1);
}

static void die_in_the_middle(FCGX_Request *request)
{
	FCGX_FPrintF(request->out, "Status: 200\r\n\r\n");
	FCGX_FFlush(request->out);
	_exit(1);
}

static void hang(FCGX_Request *request)
{
	(void)request;
	for (;;)
		pause();
}

static const struct {
	const char *word;
	void (*answer)(FCGX_Request *request);
} answers[] = {
	{"allow", allow},
	{"allow-without-status", allow_without_status},
	{"deny", deny},
	{"redirect", redirect},
	{"nothing", say_nothing},
	{"no-head", say_no_head},
	{"garbage", say_garbage},
	{"too-much", say_too_much},
	{"die", die},
	{"half", die_in_the_middle},
	{"hang", hang},
};

static void answer(FCGX_Request *request)
{
	const char *word = FCGX_GetParam("HTTP_X_AUTH", request->envp);

	for (size_t i = 0; word && i < sizeof(answers) / sizeof(*answers); i++) {
		if (strcmp(answers[i].word, word) == 0) {
			answers[i].answer(request);
			return;
		}
	}
	deny(request);
}

int main(void)
{
	FCGX_Request request;

	if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0)
		return EXIT_FAILURE;
	while (FCGX_Accept_r(&request) == 0) {
		answer(&request);
		FCGX_Finish_r(&request);
	}
	return EXIT_SUCCESS;
}
