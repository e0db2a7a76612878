using System.Net.Sockets;
using Backhaul.Node.Files;
using Backhaul.Node.Journal;
using Backhaul.Node.Ops;
using Backhaul.Node.Routing.Peers;
using Backhaul.Node.Sharding;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace Backhaul.Node.Hosting;

/// <summary>From an exception of the start to a sentence and an exit code. What is not known here is a bug, and keeps its stack.</summary>
internal static class StartFailures
{
    public static NodeStartException? Explain(Exception failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case NodeStartException known:
                    return known;
                case OptionsValidationException options:
                    return new(ExitCodes.Configuration, string.Join(Environment.NewLine, options.Failures), failure);
                case LadderException ladder:
                    return new(ExitCodes.Configuration, ladder.Message, failure);
                case JournalStoreException store:
                    return new(ExitCodes.InputOutput, store.Message, failure);
                case StorageException storage:
                    return new(ExitCodes.CannotCreate, storage.Message, failure);
                case NodeAddressException taken:
                    return new(ExitCodes.Unavailable, taken.Message, failure);
                case OpsAddressException taken:
                    return new(ExitCodes.Unavailable, taken.Message, failure);
                case InvalidOperationException { Source: "Microsoft.AspNetCore.Server.Kestrel.Core" } https when https.Message.Contains("HTTPS", StringComparison.Ordinal):
                    return new(
                        ExitCodes.Configuration,
                        "An https address needs a certificate: configure Kestrel:Certificates:Default:Path (and :KeyPath for PEM, or :Password), or listen on http.", failure);
                case AddressInUseException:
                    return new(ExitCodes.Unavailable, $"{failure.Message.TrimEnd('.')}. Stop what uses it, or choose another with --urls (ASPNETCORE_URLS).", failure);
                case SocketException socket:
                    return new(ExitCodes.Unavailable, $"The node cannot listen: {socket.Message}. Choose other addresses with --urls (ASPNETCORE_URLS).", failure);
            }
        }
        return null;
    }
}
