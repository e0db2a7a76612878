using System.Globalization;
using Backhaul.FaultOrigin;
using Backhaul.FaultOrigin.Tls;
using Backhaul.FaultOrigin.Uploads;

const string usage =
    """
    A scripted HTTP origin that misbehaves on demand and keeps a journal of requests.

    Usage: FaultOrigin [--port N] [--tls-port N] [--authority FILE]
      --port N           HTTP/1.1 in clear, on 127.0.0.1 (0, the default, picks a free port)
      --tls-port N       also HTTP/1.1 and HTTP/2 over TLS, on the addresses below (0 picks a free port)
      --authority FILE   writes the certificate of the authority that signed the good ones, for --cacert or SSL_CERT_FILE

    Paths:
      /bytes/{seed}/{length}?WORDS    deterministic content, with ranges and conditions
      /upload/...?WORDS               takes a body (HTTP/1.1 only)
      /-/journal                      the requests so far, one JSON object a line (HTTP/1.1 only)

    """;

int? tlsPort = null;
var port = 0;
string? authority = null;
for (var i = 0; i < args.Length; i += 2)
{
    var value = i + 1 < args.Length ? args[i + 1] : "";
    var isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= ushort.MaxValue;
    switch (args[i])
    {
        case "--port" when isNumber:
            port = number;
            break;
        case "--tls-port" when isNumber:
            tlsPort = number;
            break;
        case "--authority" when value.Length > 0:
            authority = value;
            break;
        default:
            var wanted = args[i] is "--help" or "-h";
            var output = wanted ? Console.Out : Console.Error;
            output.WriteLine(usage);
            output.WriteLine(OriginScript.Words);
            output.WriteLine(UploadFaults.Words);
            output.WriteLine("\nTLS, by the host of the URL:");
            foreach (var face in Enum.GetValues<TlsFace>())
                output.WriteLine($"  https://127.0.0.{(int)face}:PORT/    {face}");
            return wanted ? 0 : 64;
    }
}

await using var origin = await ScriptedOrigin.StartAsync(port, tlsPort);
Console.WriteLine($"Listening on {origin.Url}");
Console.WriteLine($"  curl -o a.bin '{origin.Url}/bytes/any-seed/1000000'       curl '{origin.Url}/-/journal'");
if (tlsPort is not null)
    Console.WriteLine($"  curl --http1.1 --cacert authority.pem -o a.bin '{origin.SecureBytes("any-seed", 1_000_000)}'");
if (authority is not null)
    await File.WriteAllTextAsync(authority, OriginAuthority.Shared.Pem);
var stopped = new TaskCompletionSource();
Console.CancelKeyPress += (_, press) =>
{
    press.Cancel = true;
    stopped.TrySetResult();
};
AppDomain.CurrentDomain.ProcessExit += (_, _) => stopped.TrySetResult();
await stopped.Task;
return 0;
