using System.Net;

namespace Backhaul.Node.Ops;

internal sealed partial class OpsEdge
{
    [LoggerMessage(8000, LogLevel.Information, "The operator's edge listens on {Address}, {Admission}")]
    private partial void LogListening(Uri address, string admission);

    [LoggerMessage(8001, LogLevel.Warning, "The operator's edge refused a request from {Remote} with {Status}: {Detail}")]
    private partial void LogRefused(int status, IPAddress remote, string detail);
}
