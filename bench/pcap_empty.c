/* pcap_empty — reads a capture through libpcap and does nothing: the floor of the
 * bench. */
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>

static void count(u_char *user, const struct pcap_pkthdr *head, const u_char *bytes)
{
	uint64_t *packets = (uint64_t *)(void *)user;

	(void)head;
	(void)bytes;
	++*packets;
}

int main(int argc, char **argv)
{
	char message[PCAP_ERRBUF_SIZE];
	uint64_t packets = 0;
	pcap_t *capture;
	int rc;

	if (argc != 2) {
		fputs("usage: pcap_empty FILE\n", stderr);
		return 64;
	}
	capture = pcap_open_offline(argv[1], message);
	if (!capture) {
		fprintf(stderr, "%s\n", message);
		return 66;
	}
	rc = pcap_loop(capture, -1, count, (u_char *)&packets);
	pcap_close(capture);
	printf("%llu packets\n", (unsigned long long)packets);
	return rc == 0 ? 0 : 1;
}
