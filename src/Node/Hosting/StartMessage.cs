using Backhaul.Node.Ops;
using Backhaul.Node.Security;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Backhaul.Node.Hosting;

/// <summary>What the console says once the node is ready: where it listens, whether it asks for keys, and how to begin.</summary>
internal sealed class StartMessage(IServer server, OpsEdge operators, Authenticator authenticator, StartFacts facts)
{
    public void Print(TextWriter to)
    {
        var addresses = server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        var bound = operators.Address?.ToString().TrimEnd('/'); // the port that was given out, when 0 was asked for
        to.Write(Text([.. addresses], authenticator.RunsWithoutKeys, facts with { OperatorUrl = bound ?? facts.OperatorUrl }));
        to.Flush();
    }

    /// <summary>The message; pure, so that its command can be tried by a test.</summary>
    public static string Text(IReadOnlyList<string> addresses, bool withoutKeys, StartFacts facts)
    {
        var first = addresses.Count > 0 ? addresses[0] : NodeOptions.UrlsDefault;
        return string.Join('\n',
            "",
            "Backhaul is ready.",
            $"  clients    {string.Join(" ", addresses)}{(withoutKeys ? "   without keys: it serves this machine only" : "   with keys")}",
            $"  operators  {facts.OperatorUrl}   (pbm)",
            $"  data       {facts.DataDirectory}",
            "",
            "A first download, its file then in the container default under first.html:",
            $"  {FirstDownload(first, withoutKeys)}",
            "",
            "Private addresses, this machine's too, are refused until they are allowed, for instance Backhaul__Egress__Allow__0=127.0.0.1:8000.",
            "Ctrl-C drains and stops.",
            "",
            "");
    }

    /// <summary>One line for a POSIX shell: a session, and a task in it.</summary>
    public static string FirstDownload(string address, bool withoutKeys)
    {
        var session = $"{address.TrimEnd('/')}/v1/sessions/first";
        var key = withoutKeys ? "" : " -H \"Authorization: Bearer $BACKHAUL_KEY\"";
        return $"curl -sS{key} -X PUT {session} && curl -sS{key} {session}/tasks -H 'Content-Type: application/json' "
            + """-d '{"kind":"download","url":"https://example.org/","destination":"default/first.html"}'""";
    }
}

/// <summary>What the message tells besides where clients come in.</summary>
internal sealed record StartFacts(string OperatorUrl, string DataDirectory);
