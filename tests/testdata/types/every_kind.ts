export type Json =
  | string
  | number
  | boolean
  | null
  | { [key: string]: Json | undefined }
  | Json[]

export type Database = {
  // Allows to automatically instantiate createClient with right options
  // instead of createClient<Database, { PostgrestVersion: 'XX' }>(URL, KEY)
  __InternalSupabase: {
    PostgrestVersion: "12.0.2"
  }
  api: {
    Tables: {
      things: {
        Row: {
          a_mood: Database["api"]["Enums"]["mood"] | null
          id: number
          organization_id: number | null
          parent: number | null
          public_mood: Database["public"]["Enums"]["mood"] | null
          label: string | null
          sibling: {
            a_mood: Database["api"]["Enums"]["mood"] | null
            id: number
            organization_id: number | null
            parent: number | null
            public_mood: Database["public"]["Enums"]["mood"] | null
          } | null
        }
        Insert: {
          a_mood?: Database["api"]["Enums"]["mood"] | null
          id: number
          organization_id?: number | null
          parent?: number | null
          public_mood?: Database["public"]["Enums"]["mood"] | null
        }
        Update: {
          a_mood?: Database["api"]["Enums"]["mood"] | null
          id?: number
          organization_id?: number | null
          parent?: number | null
          public_mood?: Database["public"]["Enums"]["mood"] | null
        }
        Relationships: [
          {
            foreignKeyName: "things_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "view_of_public"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "things_parent_fkey"
            columns: ["parent"]
            isOneToOne: false
            referencedRelation: "things"
            referencedColumns: ["id"]
          },
        ]
      }
    }
    Views: {
      view_of_public: {
        Row: {
          id: number | null
          name: string | null
        }
        Insert: {
          id?: number | null
          name?: string | null
        }
        Update: {
          id?: number | null
          name?: string | null
        }
        Relationships: []
      }
    }
    Functions: {
      label: {
        Args: { "": Database["api"]["Tables"]["things"]["Row"] }
        Returns: {
          error: true
        } & "the function api.label with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
      }
      public_rows: {
        Args: never
        Returns: Database["public"]["Tables"]["organizations"]["Row"][]
        SetofOptions: {
          from: "*"
          to: "organizations"
          isOneToOne: false
          isSetofReturn: true
        }
      }
      sibling: {
        Args: { "": Database["api"]["Tables"]["things"]["Row"] }
        Returns: {
          a_mood: Database["api"]["Enums"]["mood"] | null
          id: number
          organization_id: number | null
          parent: number | null
          public_mood: Database["public"]["Enums"]["mood"] | null
        }
        SetofOptions: {
          from: "things"
          to: "things"
          isOneToOne: true
          isSetofReturn: false
        }
      }
      things_of: {
        Args: { a: Database["public"]["Enums"]["mood"] }
        Returns: {
          a_mood: Database["api"]["Enums"]["mood"] | null
          id: number
          organization_id: number | null
          parent: number | null
          public_mood: Database["public"]["Enums"]["mood"] | null
        }[]
        SetofOptions: {
          from: "*"
          to: "things"
          isOneToOne: false
          isSetofReturn: true
        }
      }
    }
    Enums: {
      direction: "left" | "right"
      level:
        | "none at all"
        | "a little of it"
        | "quite a lot of it"
        | "everything"
      mood: "up" | "down"
    }
    CompositeTypes: {
      point: {
        x: number | null
        y: number | null
      }
    }
  }
  "Other Schema": {
    Tables: {
      Odd: {
        Row: {
          id: number
          in: number | null
        }
        Insert: {
          id: number
          in?: number | null
        }
        Update: {
          id?: number
          in?: number | null
        }
        Relationships: [
          {
            foreignKeyName: "Odd_in_fkey"
            columns: ["in"]
            isOneToOne: false
            referencedRelation: "Odd"
            referencedColumns: ["id"]
          },
        ]
      }
    }
    Views: {
      [_ in never]: never
    }
    Functions: {
      [_ in never]: never
    }
    Enums: {
      [_ in never]: never
    }
    CompositeTypes: {
      [_ in never]: never
    }
  }
  public: {
    Tables: {
      children: {
        Row: {
          extra: string | null
          id: number | null
        }
        Insert: {
          extra?: string | null
          id?: number | null
        }
        Update: {
          extra?: string | null
          id?: number | null
        }
        Relationships: []
      }
      events: {
        Row: {
          day: string
          id: number | null
          organization_id: number | null
        }
        Insert: {
          day: string
          id?: number | null
          organization_id?: number | null
        }
        Update: {
          day?: string
          id?: number | null
          organization_id?: number | null
        }
        Relationships: [
          {
            foreignKeyName: "events_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "active"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "events_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "joined"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "events_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "joined"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "events_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "organizations"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "events_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "over_view"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "events_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "partly"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "events_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "renamed"
            referencedColumns: ["organization"]
          },
        ]
      }
      events_2025: {
        Row: {
          day: string
          id: number | null
          organization_id: number | null
        }
        Insert: {
          day: string
          id?: number | null
          organization_id?: number | null
        }
        Update: {
          day?: string
          id?: number | null
          organization_id?: number | null
        }
        Relationships: []
      }
      kinds: {
        Row: {
          a_big: number
          a_bit: unknown
          a_bool: boolean
          a_bytea: string | null
          a_char: string | null
          a_date: string | null
          a_direction: Database["api"]["Enums"]["direction"] | null
          a_double: number | null
          a_floats: unknown
          a_inet: unknown
          a_int: number | null
          a_interval: string | null
          a_json: Json | null
          a_jsonb: Json
          a_money: unknown
          a_mood: Database["public"]["Enums"]["mood"] | null
          a_mood_not_null: Database["public"]["Enums"]["mood"]
          a_multirange: unknown
          a_name: unknown
          a_nested: Database["public"]["CompositeTypes"]["nested"] | null
          a_none: unknown
          a_numeric: number | null
          a_point: unknown
          a_point_of_api: Database["api"]["CompositeTypes"]["point"] | null
          a_quoted: Database["public"]["Enums"]["Quoted Type"] | null
          a_range: unknown
          a_real: number | null
          a_regclass: unknown
          a_required: number
          a_single: unknown
          a_size: Database["public"]["Enums"]["size"]
          a_small: number | null
          a_stamp: string | null
          a_stamptz: string | null
          a_text: string
          a_time: string | null
          a_timetz: string | null
          a_varchar: string | null
          a_vector: unknown
          a_xml: unknown
          addresses: Database["public"]["CompositeTypes"]["address"][]
          an_address: Database["public"]["CompositeTypes"]["address"] | null
          an_email: string | null
          an_organization:
            | Database["public"]["Tables"]["organizations"]["Row"]
            | null
          by_default: number
          deep: unknown
          directions: Database["api"]["Enums"]["direction"][] | null
          emails: unknown[] | null
          generated: string | null
          id: string
          jsons: Json[] | null
          level: Database["api"]["Enums"]["level"] | null
          levels: Database["api"]["Enums"]["level"][] | null
          matrix: number[] | null
          moods: Database["public"]["Enums"]["mood"][] | null
          organization_rows:
            | Database["public"]["Tables"]["organizations"]["Row"][]
            | null
          other_mood: Database["api"]["Enums"]["mood"] | null
          points: Database["api"]["CompositeTypes"]["point"][]
          serial: number
          some_tags: string[] | null
          texts: string[]
        }
        Insert: {
          a_big: number
          a_bit?: unknown
          a_bool: boolean
          a_bytea?: string | null
          a_char?: string | null
          a_date?: string | null
          a_direction?: Database["api"]["Enums"]["direction"] | null
          a_double?: number | null
          a_floats?: unknown
          a_inet?: unknown
          a_int?: number | null
          a_interval?: string | null
          a_json?: Json | null
          a_jsonb?: Json
          a_money?: unknown
          a_mood?: Database["public"]["Enums"]["mood"] | null
          a_mood_not_null?: Database["public"]["Enums"]["mood"]
          a_multirange?: unknown
          a_name?: unknown
          a_nested?: Database["public"]["CompositeTypes"]["nested"] | null
          a_none?: unknown
          a_numeric?: number | null
          a_point?: unknown
          a_point_of_api?: Database["api"]["CompositeTypes"]["point"] | null
          a_quoted?: Database["public"]["Enums"]["Quoted Type"] | null
          a_range?: unknown
          a_real?: number | null
          a_regclass?: unknown
          a_required: number
          a_single?: unknown
          a_size: Database["public"]["Enums"]["size"]
          a_small?: number | null
          a_stamp?: string | null
          a_stamptz?: string | null
          a_text: string
          a_time?: string | null
          a_timetz?: string | null
          a_varchar?: string | null
          a_vector?: unknown
          a_xml?: unknown
          addresses: Database["public"]["CompositeTypes"]["address"][]
          an_address?: Database["public"]["CompositeTypes"]["address"] | null
          an_email?: string | null
          an_organization?:
            | Database["public"]["Tables"]["organizations"]["Row"]
            | null
          by_default?: number
          deep?: unknown
          directions?: Database["api"]["Enums"]["direction"][] | null
          emails?: unknown[] | null
          generated?: string | null
          id?: string
          jsons?: Json[] | null
          level?: Database["api"]["Enums"]["level"] | null
          levels?: Database["api"]["Enums"]["level"][] | null
          matrix?: number[] | null
          moods?: Database["public"]["Enums"]["mood"][] | null
          organization_rows?:
            | Database["public"]["Tables"]["organizations"]["Row"][]
            | null
          other_mood?: Database["api"]["Enums"]["mood"] | null
          points?: Database["api"]["CompositeTypes"]["point"][]
          serial?: number
          some_tags?: string[] | null
          texts?: string[]
        }
        Update: {
          a_big?: number
          a_bit?: unknown
          a_bool?: boolean
          a_bytea?: string | null
          a_char?: string | null
          a_date?: string | null
          a_direction?: Database["api"]["Enums"]["direction"] | null
          a_double?: number | null
          a_floats?: unknown
          a_inet?: unknown
          a_int?: number | null
          a_interval?: string | null
          a_json?: Json | null
          a_jsonb?: Json
          a_money?: unknown
          a_mood?: Database["public"]["Enums"]["mood"] | null
          a_mood_not_null?: Database["public"]["Enums"]["mood"]
          a_multirange?: unknown
          a_name?: unknown
          a_nested?: Database["public"]["CompositeTypes"]["nested"] | null
          a_none?: unknown
          a_numeric?: number | null
          a_point?: unknown
          a_point_of_api?: Database["api"]["CompositeTypes"]["point"] | null
          a_quoted?: Database["public"]["Enums"]["Quoted Type"] | null
          a_range?: unknown
          a_real?: number | null
          a_regclass?: unknown
          a_required?: number
          a_single?: unknown
          a_size?: Database["public"]["Enums"]["size"]
          a_small?: number | null
          a_stamp?: string | null
          a_stamptz?: string | null
          a_text?: string
          a_time?: string | null
          a_timetz?: string | null
          a_varchar?: string | null
          a_vector?: unknown
          a_xml?: unknown
          addresses?: Database["public"]["CompositeTypes"]["address"][]
          an_address?: Database["public"]["CompositeTypes"]["address"] | null
          an_email?: string | null
          an_organization?:
            | Database["public"]["Tables"]["organizations"]["Row"]
            | null
          by_default?: number
          deep?: unknown
          directions?: Database["api"]["Enums"]["direction"][] | null
          emails?: unknown[] | null
          generated?: string | null
          id?: string
          jsons?: Json[] | null
          level?: Database["api"]["Enums"]["level"] | null
          levels?: Database["api"]["Enums"]["level"][] | null
          matrix?: number[] | null
          moods?: Database["public"]["Enums"]["mood"][] | null
          organization_rows?:
            | Database["public"]["Tables"]["organizations"]["Row"][]
            | null
          other_mood?: Database["api"]["Enums"]["mood"] | null
          points?: Database["api"]["CompositeTypes"]["point"][]
          serial?: number
          some_tags?: string[] | null
          texts?: string[]
        }
        Relationships: []
      }
      members: {
        Row: {
          organization_id: number
          person: string
          role: string
        }
        Insert: {
          organization_id: number
          person: string
          role: string
        }
        Update: {
          organization_id?: number
          person?: string
          role?: string
        }
        Relationships: [
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "active"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "joined"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "joined"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "organizations"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "over_view"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "partly"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "renamed"
            referencedColumns: ["organization"]
          },
        ]
      }
      no_columns: {
        Row: {}
        Insert: {}
        Update: {}
        Relationships: []
      }
      "Odd Table": {
        Row: {
          id: number
          "odd id": number | null
        }
        Insert: {
          id: number
          "odd id"?: number | null
        }
        Update: {
          id?: number
          "odd id"?: number | null
        }
        Relationships: [
          {
            foreignKeyName: "Odd Table_odd id_fkey"
            columns: ["odd id"]
            isOneToOne: false
            referencedRelation: "tree"
            referencedColumns: ["id"]
          },
        ]
      }
      organizations: {
        Row: {
          "1st": number | null
          id: number
          "it's": string | null
          "Mixed Case": string | null
          name: string
          'quote"d': string | null
          select: boolean | null
          slug: string | null
          ünïcode: string | null
          "with space": number | null
          full_name: string | null
          members_of: {
            organization_id: number
            person: string
            role: string
          } | null
          profile_of: {
            bio: string | null
            member_organization: number | null
            organization_id: number
            person: string | null
            reviewer: number | null
            slug: string | null
          } | null
        }
        Insert: {
          "1st"?: number | null
          id?: never
          "it's"?: string | null
          "Mixed Case"?: string | null
          name: string
          'quote"d'?: string | null
          select?: boolean | null
          slug?: string | null
          ünïcode?: string | null
          "with space"?: number | null
        }
        Update: {
          "1st"?: number | null
          id?: never
          "it's"?: string | null
          "Mixed Case"?: string | null
          name?: string
          'quote"d'?: string | null
          select?: boolean | null
          slug?: string | null
          ünïcode?: string | null
          "with space"?: number | null
        }
        Relationships: []
      }
      parents: {
        Row: {
          id: number | null
        }
        Insert: {
          id?: number | null
        }
        Update: {
          id?: number | null
        }
        Relationships: []
      }
      profiles: {
        Row: {
          bio: string | null
          member_organization: number | null
          organization_id: number
          person: string | null
          reviewer: number | null
          slug: string | null
        }
        Insert: {
          bio?: string | null
          member_organization?: number | null
          organization_id: number
          person?: string | null
          reviewer?: number | null
          slug?: string | null
        }
        Update: {
          bio?: string | null
          member_organization?: number | null
          organization_id?: number
          person?: string | null
          reviewer?: number | null
          slug?: string | null
        }
        Relationships: [
          {
            foreignKeyName: "profiles_member_organization_person_fkey"
            columns: ["member_organization", "person"]
            isOneToOne: false
            referencedRelation: "members"
            referencedColumns: ["organization_id", "person"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "active"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "joined"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "joined"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "organizations"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "over_view"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "partly"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "renamed"
            referencedColumns: ["organization"]
          },
          {
            foreignKeyName: "profiles_reviewer_fkey"
            columns: ["reviewer"]
            isOneToOne: false
            referencedRelation: "active"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_reviewer_fkey"
            columns: ["reviewer"]
            isOneToOne: false
            referencedRelation: "joined"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "profiles_reviewer_fkey"
            columns: ["reviewer"]
            isOneToOne: false
            referencedRelation: "joined"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_reviewer_fkey"
            columns: ["reviewer"]
            isOneToOne: false
            referencedRelation: "organizations"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_reviewer_fkey"
            columns: ["reviewer"]
            isOneToOne: false
            referencedRelation: "over_view"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "profiles_reviewer_fkey"
            columns: ["reviewer"]
            isOneToOne: false
            referencedRelation: "partly"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_reviewer_fkey"
            columns: ["reviewer"]
            isOneToOne: false
            referencedRelation: "renamed"
            referencedColumns: ["organization"]
          },
          {
            foreignKeyName: "profiles_slug_fkey"
            columns: ["slug"]
            isOneToOne: false
            referencedRelation: "active"
            referencedColumns: ["slug"]
          },
          {
            foreignKeyName: "profiles_slug_fkey"
            columns: ["slug"]
            isOneToOne: false
            referencedRelation: "organizations"
            referencedColumns: ["slug"]
          },
          {
            foreignKeyName: "profiles_slug_fkey"
            columns: ["slug"]
            isOneToOne: false
            referencedRelation: "renamed"
            referencedColumns: ["handle"]
          },
        ]
      }
      tree: {
        Row: {
          id: number
          parent: number | null
          twin: number | null
          parent_of: {
            id: number
            parent: number | null
            twin: number | null
          } | null
        }
        Insert: {
          id: number
          parent?: number | null
          twin?: number | null
        }
        Update: {
          id?: number
          parent?: number | null
          twin?: number | null
        }
        Relationships: [
          {
            foreignKeyName: "tree_parent_fkey"
            columns: ["parent"]
            isOneToOne: false
            referencedRelation: "tree"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "tree_twin_fkey"
            columns: ["twin"]
            isOneToOne: true
            referencedRelation: "tree"
            referencedColumns: ["id"]
          },
        ]
      }
    }
    Views: {
      active: {
        Row: {
          id: number | null
          name: string | null
          slug: string | null
        }
        Insert: {
          id?: number | null
          name?: string | null
          slug?: string | null
        }
        Update: {
          id?: number | null
          name?: string | null
          slug?: string | null
        }
        Relationships: []
      }
      aggregated: {
        Row: {
          latest: number | null
          members: number | null
          organization_id: number | null
          roles: string[] | null
        }
        Relationships: [
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "active"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "joined"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "joined"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "organizations"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "over_view"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "partly"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "renamed"
            referencedColumns: ["organization"]
          },
        ]
      }
      constants: {
        Row: {
          a_mood: Database["public"]["Enums"]["mood"] | null
          nothing: Database["public"]["CompositeTypes"]["address"] | null
          one: number | null
        }
        Relationships: []
      }
      counted: {
        Row: {
          members: number | null
          organization_id: number | null
        }
        Relationships: [
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "active"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "joined"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "joined"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "organizations"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "over_view"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "partly"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "members_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: false
            referencedRelation: "renamed"
            referencedColumns: ["organization"]
          },
        ]
      }
      joined: {
        Row: {
          again: number | null
          bio: string | null
          id: number | null
          name: string | null
          organization_id: number | null
          profile_slug: string | null
          of_view: number | null
        }
        Relationships: [
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "active"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "joined"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "joined"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "organizations"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "over_view"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "partly"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "renamed"
            referencedColumns: ["organization"]
          },
          {
            foreignKeyName: "profiles_slug_fkey"
            columns: ["profile_slug"]
            isOneToOne: false
            referencedRelation: "active"
            referencedColumns: ["slug"]
          },
          {
            foreignKeyName: "profiles_slug_fkey"
            columns: ["profile_slug"]
            isOneToOne: false
            referencedRelation: "organizations"
            referencedColumns: ["slug"]
          },
          {
            foreignKeyName: "profiles_slug_fkey"
            columns: ["profile_slug"]
            isOneToOne: false
            referencedRelation: "renamed"
            referencedColumns: ["handle"]
          },
        ]
      }
      "Odd View": {
        Row: {
          id: number | null
          "odd id": number | null
        }
        Insert: {
          id?: number | null
          "odd id"?: number | null
        }
        Update: {
          id?: number | null
          "odd id"?: number | null
        }
        Relationships: [
          {
            foreignKeyName: "Odd Table_odd id_fkey"
            columns: ["odd id"]
            isOneToOne: false
            referencedRelation: "tree"
            referencedColumns: ["id"]
          },
        ]
      }
      over_view: {
        Row: {
          again: number | null
          bio: string | null
          organization_id: number | null
        }
        Relationships: [
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "active"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "joined"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "joined"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "organizations"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "over_view"
            referencedColumns: ["again"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "partly"
            referencedColumns: ["id"]
          },
          {
            foreignKeyName: "profiles_organization_id_fkey"
            columns: ["organization_id"]
            isOneToOne: true
            referencedRelation: "renamed"
            referencedColumns: ["organization"]
          },
        ]
      }
      partly: {
        Row: {
          id: number | null
          name: string | null
          shout: string | null
        }
        Insert: {
          id?: number | null
          name?: string | null
          shout?: never
        }
        Update: {
          id?: number | null
          name?: string | null
          shout?: never
        }
        Relationships: []
      }
      renamed: {
        Row: {
          handle: string | null
          organization: number | null
        }
        Insert: {
          handle?: string | null
          organization?: number | null
        }
        Update: {
          handle?: string | null
          organization?: number | null
        }
        Relationships: []
      }
      united: {
        Row: {
          organization_id: number | null
        }
        Relationships: []
      }
    }
    Functions: {
      a_record: { Args: never; Returns: Record<string, unknown> }
      a_table: {
        Args: { wanted: Database["public"]["Enums"]["mood"] }
        Returns: {
          id: number
          mood: Database["public"]["Enums"]["mood"]
          moods: Database["public"]["Enums"]["mood"][]
          "odd name": string
        }[]
      }
      a_table_of_one: {
        Args: never
        Returns: {
          id: number
        }[]
      }
      add: { Args: { a: number; b?: number }; Returns: number }
      all_numbers: { Args: never; Returns: number[] }
      composite: {
        Args: { a: Database["public"]["CompositeTypes"]["address"] }
        Returns: Database["public"]["CompositeTypes"]["address"]
        SetofOptions: {
          from: "address"
          to: "address"
          isOneToOne: true
          isSetofReturn: false
        }
      }
      composites: {
        Args: { a: Database["public"]["CompositeTypes"]["address"][] }
        Returns: Database["public"]["CompositeTypes"]["address"][]
        SetofOptions: {
          from: "*"
          to: "address"
          isOneToOne: false
          isSetofReturn: true
        }
      }
      directions: {
        Args: {
          a: Database["api"]["Enums"]["direction"][]
          b: Database["api"]["Enums"]["level"]
        }
        Returns: Database["api"]["Enums"]["level"]
      }
      enum_array: {
        Args: { a: Database["public"]["Enums"]["mood"][] }
        Returns: Database["public"]["Enums"]["mood"][]
      }
      exec_sql: { Args: { params?: Json; sql_query: string }; Returns: Json }
      floats_multirange: { Args: never; Returns: unknown }
      full_name: {
        Args: { "": Database["public"]["Tables"]["organizations"]["Row"] }
        Returns: {
          error: true
        } & "the function public.full_name with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
      }
      in_outs: {
        Args: { a: number; b: string }
        Returns: Record<string, unknown>
      }
      json_both: { Args: { a: Json; b: Json }; Returns: Json }
      members_of: {
        Args: { "": Database["public"]["Tables"]["organizations"]["Row"] }
        Returns: {
          organization_id: number
          person: string
          role: string
        }[]
        SetofOptions: {
          from: "organizations"
          to: "members"
          isOneToOne: false
          isSetofReturn: true
        }
      }
      named_full_name: {
        Args: { o: Database["public"]["Tables"]["organizations"]["Row"] }
        Returns: string
      }
      no_or_default:
        | {
            Args: never
            Returns: {
              error: true
            } & "Could not choose the best candidate function between: public.no_or_default(), public.no_or_default( => int4). Try renaming the parameters or the function itself in the database so function overloading can be resolved"
          }
        | { Args: { ""?: string }; Returns: number }
      nothing: { Args: never; Returns: undefined }
      number: { Args: never; Returns: number }
      "Odd Function": {
        Args: { "odd arg": number; select: string }
        Returns: number
      }
      of_composite: {
        Args: { "": Database["public"]["CompositeTypes"]["address"] }
        Returns: {
          error: true
        } & "the function public.of_composite with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
      }
      of_view: {
        Args: { "": Database["public"]["Views"]["joined"]["Row"] }
        Returns: {
          error: true
        } & "the function public.of_view with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
      }
      one_of_set: {
        Args: never
        Returns: {
          "1st": number | null
          id: number
          "it's": string | null
          "Mixed Case": string | null
          name: string
          'quote"d': string | null
          select: boolean | null
          slug: string | null
          ünïcode: string | null
          "with space": number | null
        }
        SetofOptions: {
          from: "*"
          to: "organizations"
          isOneToOne: true
          isSetofReturn: true
        }
      }
      one_out: { Args: never; Returns: number }
      one_row: {
        Args: never
        Returns: {
          "1st": number | null
          id: number
          "it's": string | null
          "Mixed Case": string | null
          name: string
          'quote"d': string | null
          select: boolean | null
          slug: string | null
          ünïcode: string | null
          "with space": number | null
        }
        SetofOptions: {
          from: "*"
          to: "organizations"
          isOneToOne: true
          isSetofReturn: false
        }
      }
      outs: { Args: { a: number }; Returns: Record<string, unknown> }
      overloaded:
        | { Args: { a: number }; Returns: number }
        | { Args: { a: number; b: string }; Returns: string }
        | { Args: { c: string }; Returns: Database["public"]["Enums"]["mood"] }
      parent_of: {
        Args: { "": Database["public"]["Tables"]["tree"]["Row"] }
        Returns: {
          id: number
          parent: number | null
          twin: number | null
        }
        SetofOptions: {
          from: "tree"
          to: "tree"
          isOneToOne: true
          isSetofReturn: false
        }
      }
      polymorphic: { Args: { a: unknown }; Returns: unknown }
      profile_of: {
        Args: { "": Database["public"]["Tables"]["organizations"]["Row"] }
        Returns: {
          bio: string | null
          member_organization: number | null
          organization_id: number
          person: string | null
          reviewer: number | null
          slug: string | null
        }
        SetofOptions: {
          from: "organizations"
          to: "profiles"
          isOneToOne: true
          isSetofReturn: true
        }
      }
      returns_array: { Args: never; Returns: string[] }
      rows_of: {
        Args: never
        Returns: {
          "1st": number | null
          id: number
          "it's": string | null
          "Mixed Case": string | null
          name: string
          'quote"d': string | null
          select: boolean | null
          slug: string | null
          ünïcode: string | null
          "with space": number | null
        }[]
        SetofOptions: {
          from: "*"
          to: "organizations"
          isOneToOne: false
          isSetofReturn: true
        }
      }
      rows_of_mat: {
        Args: never
        Returns: {
          members: number | null
          organization_id: number | null
        }[]
        SetofOptions: {
          from: "*"
          to: "counted"
          isOneToOne: false
          isSetofReturn: true
        }
      }
      rows_of_other: {
        Args: never
        Returns: unknown[]
        SetofOptions: {
          from: "*"
          to: "pg_class"
          isOneToOne: false
          isSetofReturn: true
        }
      }
      rows_of_view: {
        Args: never
        Returns: {
          again: number | null
          bio: string | null
          id: number | null
          name: string | null
          organization_id: number | null
          profile_slug: string | null
        }[]
        SetofOptions: {
          from: "*"
          to: "joined"
          isOneToOne: false
          isSetofReturn: true
        }
      }
      same_name:
        | {
            Args: { a: number }
            Returns: {
              error: true
            } & "Could not choose the best candidate function between: public.same_name(a => int4), public.same_name(a => text). Try renaming the parameters or the function itself in the database so function overloading can be resolved"
          }
        | {
            Args: { a: string }
            Returns: {
              error: true
            } & "Could not choose the best candidate function between: public.same_name(a => int4), public.same_name(a => text). Try renaming the parameters or the function itself in the database so function overloading can be resolved"
          }
      sets_of_outs: { Args: never; Returns: Record<string, unknown>[] }
      slug: {
        Args: { "": Database["public"]["Tables"]["organizations"]["Row"] }
        Returns: {
          error: true
        } & "the function public.slug with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
      }
      some_records: { Args: never; Returns: Record<string, unknown>[] }
      takes_domain: { Args: { a: unknown; b: unknown }; Returns: unknown }
      takes_range: { Args: { a: unknown }; Returns: unknown }
      takes_row: {
        Args: {
          n: number
          o: Database["public"]["Tables"]["organizations"]["Row"]
        }
        Returns: {
          "1st": number | null
          id: number
          "it's": string | null
          "Mixed Case": string | null
          name: string
          'quote"d': string | null
          select: boolean | null
          slug: string | null
          ünïcode: string | null
          "with space": number | null
        }
        SetofOptions: {
          from: "*"
          to: "organizations"
          isOneToOne: true
          isSetofReturn: false
        }
      }
      unnamed_defaults: { Args: { ""?: string }; Returns: number }
      unnamed_json: { Args: { "": Json }; Returns: number }
      variadic_one: { Args: { a: string[] }; Returns: number }
      with_many_arguments: {
        Args: {
          first_argument: string
          fourth_argument?: string
          second_argument?: string
          third_argument?: number
        }
        Returns: boolean
      }
    }
    Enums: {
      mood: "sad" | "ok" | 'very "happy"' | "it's" | "ünïcode" | ""
      "Quoted Type": "a"
      size:
        | "extra small"
        | "small"
        | "medium"
        | "large"
        | "extra large"
        | "extra extra large"
        | "gigantic"
    }
    CompositeTypes: {
      address: {
        street: string | null
        lines: string[] | null
        zip: number | null
        mood: Database["public"]["Enums"]["mood"] | null
        moods: Database["public"]["Enums"]["mood"][] | null
      }
      nested: {
        home: Database["public"]["CompositeTypes"]["address"] | null
        homes: Database["public"]["CompositeTypes"]["address"][] | null
        since: string | null
        "odd name": Json | null
      }
    }
  }
}

type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">]

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
        DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])
    : never = never,
> = DefaultSchemaTableNameOrOptions extends {
  schema: keyof DatabaseWithoutInternals
}
  ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
      DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])[TableName] extends {
      Row: infer R
    }
    ? R
    : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] &
        DefaultSchema["Views"])
    ? (DefaultSchema["Tables"] &
        DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
        Row: infer R
      }
      ? R
      : never
    : never

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends {
  schema: keyof DatabaseWithoutInternals
}
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Insert: infer I
    }
    ? I
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
        Insert: infer I
      }
      ? I
      : never
    : never

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends {
  schema: keyof DatabaseWithoutInternals
}
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Update: infer U
    }
    ? U
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
        Update: infer U
      }
      ? U
      : never
    : never

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never,
> = DefaultSchemaEnumNameOrOptions extends {
  schema: keyof DatabaseWithoutInternals
}
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
    ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
    : never

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never,
> = PublicCompositeTypeNameOrOptions extends {
  schema: keyof DatabaseWithoutInternals
}
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
    ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
    : never

export const Constants = {
  api: {
    Enums: {
      direction: ["left", "right"],
      level: [
        "none at all",
        "a little of it",
        "quite a lot of it",
        "everything",
      ],
      mood: ["up", "down"],
    },
  },
  "Other Schema": {
    Enums: {},
  },
  public: {
    Enums: {
      mood: ["sad", "ok", 'very "happy"', "it's", "ünïcode", ""],
      "Quoted Type": ["a"],
      size: [
        "extra small",
        "small",
        "medium",
        "large",
        "extra large",
        "extra extra large",
        "gigantic",
      ],
    },
  },
} as const
