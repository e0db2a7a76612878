using System.Net;

namespace Backhaul.Features.Tests;

/// <summary>A node's refusal, as both callers report it.</summary>
internal sealed class Refused(HttpStatusCode status, string code, string detail, string? where) : Exception($"{(int)status} {code}: {detail}")
{
    public HttpStatusCode Status => status;

    public string Code => code;

    public string Detail => detail;

    public string? Field => where;
}
