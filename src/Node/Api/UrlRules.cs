using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>Which URLs a request may name: <see cref="UrlText"/>, with the field.</summary>
internal static class UrlRules
{
    public const int BytesMax = UrlText.BytesMax;

    public static Problem? Check(string? url, string field) =>
        UrlText.FaultOf(url, field) is { } fault ? Problems.Create(400, fault.Code, fault.Message, field) : null;
}
