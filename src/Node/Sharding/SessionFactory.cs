using Backhaul.Node.Actors;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Sharding;

/// <summary>Makes a session's actor; it asks the tenure for the grant of each write and for trust before each outward byte.</summary>
internal delegate Actor<SessionMessage> SessionFactory(SessionKey session, ShardTenure tenure);
